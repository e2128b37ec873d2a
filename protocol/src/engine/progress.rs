//! How far searches are, as the seeker's desk may know it. No news is not shown a member.

use crate::base::record::row_key;
use crate::base::{CaseId, Epoch, SubjectId, limits};
use crate::casework::case::CaseRecord;
use crate::engine::answer::{Answer, Failure, SearchLine};
use crate::engine::core::Engine;
use crate::engine::lookup;
use crate::engine::step::Step;
use crate::engine::view::View;
use crate::private_match::Family;
use crate::private_match::querier::{QueryRow, SetIn, SubjectRow};

impl Engine {
    pub(super) fn search_status<V: View>(&self, step: &Step<'_, V>, text: Option<&str>) -> Result<Answer, Failure> {
        let subjects: Vec<(SubjectId, SubjectRow)> = match text {
            Some(text) => {
                let (_, record) = lookup::find::<V, CaseRecord>(step, text, 1, CaseId::LETTER)?;
                let mut found = Vec::new();
                for subject in record.subjects {
                    found.push((subject, step.get::<SubjectRow>(&subject)?.ok_or(Failure::Damaged)?));
                }
                found
            }
            None => {
                let subjects = step.under::<SubjectRow>(&row_key(1, &()), limits::PAGE_ROWS)?;
                subjects.into_iter().filter(|(_, row)| !row.decoy).collect()
            }
        };
        let peers = self.peers();
        let mut tested_sets = Vec::new();
        for peer in &peers {
            let set = step.get::<SetIn>(&(*peer, Family::Registered))?.unwrap_or_default();
            tested_sets.push(set.held.filter(|held| held.is_tested()).map(|held| held.head.epoch));
        }
        let mut lines = Vec::new();
        for (subject, row) in subjects {
            let (mut asked, mut answered, mut tested) = (0, 0, 0);
            for (peer, set) in peers.iter().zip(&tested_sets) {
                let Some(query) = step.get::<QueryRow>(&(*peer, Family::Registered, subject))? else { continue };
                asked += 1;
                let done = query.epoch != Epoch(0);
                answered += u32::from(done);
                tested += u32::from(done && *set == Some(query.epoch));
            }
            let (state, _) = self.subject_state(step, &subject)?;
            lines.push(SearchLine { subject, case: row.case, asked, answered, tested, state: state.to_owned() });
        }
        let asking = if text.is_none() { Some(self.asking_line(step)?) } else { None };
        Ok(Answer::Searches { subjects: lines, asking })
    }
}
