//! An observer of the network with every ciphertext's length and time: can it tell who found somebody?
//!
//! Worlds with and without matches run the same searches at the same times; what differs is whether the searched people are
//! registered at the other society, which registers somebody in either case. A pair of a seeker and the holder of whom it
//! seeks is compared with the other pairs of that seeker, in worlds with matches and without: whoever searches asks all
//! members alike, so only the match differs. Two classifiers learn on all worlds but one and are tested on that. Three planted
//! leaks (a cell more, a longer one, one out of rhythm) show that they see.
//!
//! It takes minutes a world and is a command of its own, since few worlds show nothing: n matches give an AUC with an
//! error of 1 in the root of 12 n, 0.02 for 10 worlds. The whole one, 60 nodes with 20 matches, N worlds and a quarter as many
//! without matches:
//! `KINMESH_OBSERVER=N cargo test --release -p kinmesh-tests --test adversary attack_23 -- --ignored --nocapture`;
//! with `KINMESH_OBSERVER_KEPT=FOLDER` each world is kept there, and not made again; `KINMESH_OBSERVER_MEMBERS=M` makes smaller ones.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt::Write as _;
use std::path::Path;
use std::sync::Mutex;

use kinmesh_protocol::base::Draw;
use kinmesh_protocol::base::record::Tree;
use kinmesh_protocol::casework::consent::Decision;
use kinmesh_protocol::engine::command::{CaseForm, SubjectForm};
use kinmesh_protocol::engine::{Answer, Command};
use kinmesh_protocol::person::PersonForm;
use kinmesh_protocol::roster::Pace;
use kinmesh_tests::simulation::desks::{holder, insist, register, seeker};
use kinmesh_tests::simulation::{Faults, Observed, people, start_with};

use crate::classifier::{Classifier, Sample, left_out, regression, slope, standardise, stumps};
use crate::traffic::Traffic;

/// Milliseconds of an hour: a day is just not shorter than the least time between two rounds of sets, as in a real network, and
/// the public messages between bags, which come by the second, are few.
const HOUR: u64 = 640;
const DAY: u64 = 24 * HOUR;

/// A network and what happens in it.
struct Plan {
    members: usize,
    matches: usize,
    worlds: u64,
}

/// People who share no match key.
fn someone(number: usize) -> PersonForm {
    let name = |step: usize| people::name(number * step);
    PersonForm {
        given: name(7).as_str().into(),
        family: name(13).as_str().into(),
        father: name(29).as_str().into(),
        mother: name(31).as_str().into(),
        sex: "m".into(),
        birth: format!("19{:02}-0{}-2{}", 30 + number % 70, 1 + number % 9, number % 8).as_str().into(),
        birth_place: "Aleppo".into(),
        legal_basis: "consent".to_owned(),
        ..PersonForm::default()
    }
}

/// The pairs of the matches, seeker first: the same in the worlds of one seed.
fn pairs(seed: u64, plan: &Plan) -> Vec<(usize, usize)> {
    let mut draw = Draw::new([u8::try_from(seed % 251).unwrap_or(0); 32]);
    let mut all: Vec<(usize, usize)> = (0..plan.members)
        .flat_map(|one| (0..plan.members).filter(move |other| *other != one).map(move |other| (one, other)))
        .collect();
    draw.shuffle(&mut all);
    let mut taken = BTreeSet::new();
    all.retain(|(one, other)| taken.insert((one.min(other).to_owned(), one.max(other).to_owned())));
    all.truncate(plan.matches);
    all
}

/// What became of one week.
struct Week {
    /// What the observer saw.
    traffic: Traffic,
    /// When each member that searched did so first.
    searched: BTreeMap<usize, u64>,
    /// Claims that met a record.
    met: usize,
    /// Disclosures that came back.
    disclosed: usize,
}

/// One week in a network.
fn week(seed: u64, plan: &Plan, with_matches: bool) -> Week {
    let ids: Vec<String> = (0..plan.members).map(|number| format!("N{number:02}")).collect();
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    // Other draws in the two worlds: an observer has no twin to compare with.
    let mut setup =
        start_with(2 * seed + u64::from(with_matches), &ids, 0, Faults::NONE, |roster| roster.pace = Pace::drill(HOUR));
    setup.world.keep_delivered = false;
    let members = setup.members.clone();
    let pairs = pairs(seed, plan);
    for (number, (_, holding)) in pairs.iter().enumerate() {
        // The sought person, or somebody else in the place.
        let number = if with_matches { number } else { 200 + number };
        register(&mut setup, members[*holding], someone(number));
    }
    setup.world.run_for(2 * DAY);
    setup.world.observed = Some(Vec::new());
    let began = setup.world.now().0;
    let mut searches: Vec<(u64, usize)> = Vec::new();
    let mut draw = Draw::new([u8::try_from(seed % 249).unwrap_or(0); 32]);
    for number in 0..pairs.len() {
        searches.push((draw.below(3 * DAY), number));
    }
    searches.sort_unstable();
    let mut searched = BTreeMap::new();
    for (at, number) in searches {
        searched.entry(pairs[number].0).or_insert(at);
        setup.world.run_for((began + at).saturating_sub(setup.world.now().0));
        let subject = SubjectForm { relation: "son".to_owned(), person: someone(number) };
        let form = Box::new(CaseForm { subjects: vec![subject], ..people::case(&[]) });
        let node = members[pairs[number].0];
        let Answer::CaseOpened { case, .. } = insist(&mut setup, node, &Command::CaseOpen { form }) else { panic!("a case") };
        insist(&mut setup, node, &Command::SearchRun { case: case.to_string(), plan: None });
    }
    let mut disclosed = 0;
    while setup.world.now().0 < began + 7 * DAY {
        setup.world.run_for(12 * HOUR);
        for holding in pairs.iter().map(|pair| pair.1).collect::<BTreeSet<_>>() {
            holder(&mut setup, members[holding], Decision::Message);
        }
        let seekers: BTreeSet<usize> = pairs.iter().map(|pair| pair.0).collect();
        disclosed = seekers.into_iter().map(|seeking| seeker(&mut setup, members[seeking]).len()).sum();
    }
    let place = |node: usize| members.iter().position(|member| *member == node);
    let seen = setup.world.observed.take().unwrap_or_default().into_iter();
    let between: Vec<Observed> = seen
        .filter_map(|item| Some(Observed { at_ms: item.at_ms - began, from: place(item.from)?, to: place(item.to)?, ..item }))
        .collect();
    let met = members.iter().map(|node| setup.world.nodes[*node].store.count(Tree::Candidates)).sum();
    Week { traffic: Traffic::of(&between, plan.members, DAY), searched, met, disclosed }
}

/// The same, or what an earlier run kept of it in the folder that the environment names: a run may be cut and go on.
fn kept_week(seed: u64, plan: &Plan, with_matches: bool) -> Week {
    let Ok(folder) = std::env::var("KINMESH_OBSERVER_KEPT") else { return week(seed, plan, with_matches) };
    let name = format!("{}-{}-{seed}-{}.txt", plan.members, plan.matches, u8::from(with_matches));
    let path = Path::new(&folder).join(name);
    if let Ok(text) = std::fs::read_to_string(&path) {
        return Week::read(&text, plan).expect("a kept week");
    }
    let week = week(seed, plan, with_matches);
    std::fs::write(&path, week.write()).expect("a file in the named folder");
    week
}

/// Every week of a plan, made side by side on all cores.
fn weeks(plan: &Plan) -> BTreeMap<(u64, bool), Week> {
    let without = (1..=plan.worlds).filter(|seed| seed % WITHOUT == 1).map(|seed| (seed, false));
    let waiting = Mutex::new((1..=plan.worlds).map(|seed| (seed, true)).chain(without).collect::<VecDeque<_>>());
    let made = Mutex::new(BTreeMap::new());
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                loop {
                    let Some((seed, with_matches)) = waiting.lock().expect("the list").pop_front() else { break };
                    let week = kept_week(seed, plan, with_matches);
                    println!(
                        "seed {seed}, {} matches: {} items",
                        if with_matches { "with" } else { "without" },
                        week.traffic.len()
                    );
                    made.lock().expect("the weeks").insert((seed, with_matches), week);
                }
            });
        }
    });
    made.into_inner().expect("the weeks")
}

impl Week {
    /// One line of numbers an item, behind those of the searches and of what became of them.
    fn write(&self) -> String {
        let searched: Vec<String> = self.searched.iter().map(|(member, at)| format!("{member} {at}")).collect();
        let mut text = format!("{} {}\n{}\n", self.met, self.disclosed, searched.join(" "));
        for item in self.traffic.items_in_time() {
            let _infallible = writeln!(text, "{} {} {} {}", item.at_ms, item.from, item.to, item.bytes);
        }
        text
    }

    fn read(text: &str, plan: &Plan) -> Option<Self> {
        let mut lines = text.lines().map(|line| line.split(' ').filter_map(|word| word.parse().ok()).collect::<Vec<u64>>());
        let place = |number: u64| usize::try_from(number).ok();
        let [met, disclosed] = lines.next()?[..] else { return None };
        let searched = lines.next()?.chunks(2).map(|pair| Some((place(pair[0])?, pair[1]))).collect::<Option<_>>()?;
        let item = |line: Vec<u64>| match line[..] {
            [at_ms, from, to, bytes] => Some(Observed { at_ms, from: place(from)?, to: place(to)?, bytes: place(bytes)? }),
            _ => None,
        };
        let items: Vec<Observed> = lines.map(item).collect::<Option<_>>()?;
        Some(Self { traffic: Traffic::of(&items, plan.members, DAY), searched, met: place(met)?, disclosed: place(disclosed)? })
    }
}

/// One world without matches for so many with them: every world with matches has pairs without one, too.
const WITHOUT: u64 = 4;

/// A week with matches and, of some seeds, one without.
struct Twins {
    seed: u64,
    with: Week,
    without: Option<Week>,
}

/// Every pair of a seeker and another member, in both weeks; `show` is what the observer has of the week with matches.
/// A pair of which only the other way round is a match is left out.
///
/// A stratum is a seeker with the other members that search as often as each other: who searches twice as often has twice as
/// many matches and sends more, and that is no secret. Every figure is taken beside its mean in the stratum and week.
fn samples(twins: &[Twins], plan: &Plan, show: impl Fn(&Twins) -> Option<Traffic>) -> (Vec<Sample>, Vec<String>) {
    let (mut samples, mut names) = (Vec::new(), Vec::new());
    for twins in twins {
        let pairs = pairs(twins.seed, plan);
        let searches = |member: usize| pairs.iter().filter(|pair| pair.0 == member).count();
        let altered = show(twins);
        for (week, has_matches) in std::iter::once((&twins.with, true)).chain(twins.without.iter().map(|week| (week, false))) {
            let traffic = altered.as_ref().filter(|_| has_matches).unwrap_or(&week.traffic);
            let mut strata: BTreeMap<(usize, usize), Vec<Sample>> = BTreeMap::new();
            for (seeking, searched) in &week.searched {
                let others = (0..plan.members).filter(|other| other != seeking && !pairs.contains(&(*other, *seeking)));
                for other in others {
                    let figures = traffic.figures(*seeking, other, *searched);
                    let stratum = (*seeking, searches(other));
                    let matched = has_matches && pairs.contains(&(*seeking, other));
                    names = figures.names;
                    let holds = has_matches && pairs.iter().any(|pair| pair.1 == other);
                    let sample = Sample { world: twins.seed, stratum, features: figures.values, matched, holds };
                    strata.entry(stratum).or_default().push(sample);
                }
            }
            strata.values_mut().for_each(|stratum| beside_mean(stratum));
            samples.extend(strata.into_values().filter(|stratum| stratum.len() > 1).flatten());
        }
    }
    standardise(&mut samples);
    (samples, names)
}

fn beside_mean(stratum: &mut [Sample]) {
    let width = stratum.first().map_or(0, |sample| sample.features.len());
    for place in 0..width {
        let mean = stratum.iter().map(|sample| sample.features[place]).sum::<f64>() / stratum.len() as f64;
        stratum.iter_mut().for_each(|sample| sample.features[place] -= mean);
    }
}

/// The five figures that tell most, with their weights.
fn tells(samples: &[Sample], names: &[String]) -> String {
    let slope = slope(&samples.iter().collect::<Vec<_>>());
    let mut by_weight: Vec<(f64, &String)> = slope.into_iter().zip(names).collect();
    by_weight.sort_by(|one, other| other.0.abs().total_cmp(&one.0.abs()));
    let lines = by_weight.iter().take(5).map(|(weight, name)| format!("{weight:+.3} {name}"));
    lines.collect::<Vec<_>>().join("; ")
}

/// What the area is beside: the label of each match on another pair of its stratum, the match itself left out. `among`
/// says which pairs may get it.
fn relabelled(samples: &[Sample], draw: &mut Draw, among: impl Fn(&Sample) -> bool) -> Vec<Sample> {
    let mut strata: BTreeMap<(u64, (usize, usize)), Vec<&Sample>> = BTreeMap::new();
    for sample in samples {
        strata.entry((sample.world, sample.stratum)).or_default().push(sample);
    }
    let mut relabelled = Vec::new();
    for stratum in strata.into_values() {
        let (matches, others): (Vec<&Sample>, Vec<&Sample>) = stratum.into_iter().partition(|sample| sample.matched);
        let mut places: Vec<usize> = (0..others.len()).filter(|place| among(others[*place])).collect();
        draw.shuffle(&mut places);
        places.truncate(matches.len());
        let others = others.into_iter().cloned().enumerate();
        relabelled.extend(others.map(|(place, sample)| Sample { matched: places.contains(&place), ..sample }));
    }
    relabelled
}

/// The areas of a classifier where there is nothing to find: their mean, and how far one of them is from it.
fn by_chance(samples: &[Sample], classify: Classifier, among: impl Fn(&Sample) -> bool) -> (f64, f64) {
    let mut draw = Draw::new([93; 32]);
    let areas: Vec<f64> = (0..CHANCES).map(|_| left_out(&relabelled(samples, &mut draw, &among), classify).mean).collect();
    let mean = areas.iter().sum::<f64>() / areas.len() as f64;
    (mean, (areas.iter().map(|area| (area - mean).powi(2)).sum::<f64>() / (areas.len() - 1) as f64).sqrt())
}

/// What a leak would be: the items from the seeker to the holder, changed.
type Leak = fn(Vec<Observed>) -> Vec<Observed>;

fn may_be_a_bag(item: &Observed) -> bool {
    (32 * 1024..64 * 1024).contains(&item.bytes)
}

/// A claim in a cell of its own.
fn one_more(mut items: Vec<Observed>) -> Vec<Observed> {
    let bag = items.iter().copied().rfind(may_be_a_bag);
    items.extend(bag.map(|bag| Observed { at_ms: 4 * DAY, ..bag }));
    items
}

/// A bag that grows with what is in it.
fn longer(mut items: Vec<Observed>) -> Vec<Observed> {
    if let Some(item) = items.iter_mut().rfind(|item| may_be_a_bag(item)) {
        item.bytes += 200;
    }
    items
}

/// A bag that leaves at once because something is in it.
fn hurried(mut items: Vec<Observed>) -> Vec<Observed> {
    if let Some(item) = items.iter_mut().find(|item| item.at_ms >= 4 * DAY && may_be_a_bag(item)) {
        item.at_ms -= 4 * HOUR;
    }
    items
}

/// How often labels are dealt anew.
const CHANCES: usize = 12;

const CLASSIFIERS: [(&str, Classifier); 2] = [("regression", regression), ("stumps", stumps)];

// BG-1: one size, one rhythm, empty or not.
#[ignore = "minutes a world: a command of its own, see above"]
#[test]
fn attack_23_an_observer_of_lengths_and_times_cannot_tell_a_match() {
    let number = |name: &str| std::env::var(name).ok().map(|text| text.parse::<u64>().expect("a number"));
    let full = number("KINMESH_OBSERVER");
    let members = number("KINMESH_OBSERVER_MEMBERS").map_or(60, |members| usize::try_from(members).expect("members"));
    let plan = match full {
        Some(worlds) => Plan { members, matches: 20, worlds },
        None => Plan { members: 6, matches: 6, worlds: 4 },
    };
    let mut weeks = weeks(&plan);
    let mut twins = Vec::new();
    for seed in 1..=plan.worlds {
        let with = weeks.remove(&(seed, true)).expect("a week of each seed");
        let without = weeks.remove(&(seed, false));
        let met_without = without.as_ref().map_or(0, |week| week.met);
        let (items, met, disclosed) = (with.traffic.len(), with.met, with.disclosed);
        println!("seed {seed}: {met} of {} met, {disclosed} disclosed; {met_without} met without; {items} items", plan.matches);
        assert!(met * 4 >= plan.matches * 3 && met_without == 0, "seed {seed}: {met} matches, {met_without} without");
        twins.push(Twins { seed, with, without });
    }
    let (plain, names) = samples(&twins, &plan, |_| None);
    println!("{} pairs, {} of them matches, {} figures", plain.len(), plain.iter().filter(|s| s.matched).count(), names.len());
    println!("weights: {}", tells(&plain, &names));
    // What a leak looks like, before what the product shows: an observer that sees nothing anywhere is blind.
    for (name, leak) in [("a cell more", one_more as Leak), ("a longer cell", longer), ("a hurried cell", hurried)] {
        let (planted, names) = samples(&twins, &plan, |twins| Some(twins.with.traffic.altered(&pairs(twins.seed, &plan), leak)));
        let areas = CLASSIFIERS.map(|(_, classify)| left_out(&planted, classify));
        println!("planted, {name}: AUC {:.3} and {:.3}; {}", areas[0].mean, areas[1].mean, tells(&planted, &names));
        assert!(areas.iter().any(|area| area.mean > 0.8), "the observer is blind to {name}: {areas:?}");
    }
    let bound = if full.is_some() { 0.05 } else { 0.25 };
    for (name, classify) in CLASSIFIERS {
        let found = left_out(&plain, classify);
        println!("{name}: AUC {:.3} +- {:.3}", found.mean, found.error);
        if full.is_some() {
            let (mean, spread) = by_chance(&plain, classify, |_| true);
            println!("{name}: with the labels on any other pair {mean:.3} +- {spread:.3}");
            let (mean, spread) = by_chance(&plain, classify, |sample| sample.holds);
            println!("{name}: with the labels on pairs with the holders of others' matches {mean:.3} +- {spread:.3}");
        }
        assert!((found.mean - 0.5).abs() <= bound, "{name}: {found:?}");
    }
}
