//! `kinmesh demo`: a whole network in one command, from the key ceremony to a mother's answer, and a breach.

use std::path::PathBuf;

use kinmesh_protocol::base::MemberId;
use kinmesh_protocol::engine::{Answer, Command};
use tokio::signal::unix::{SignalKind, signal};

use crate::rehearsal::breach;
use crate::rehearsal::data::{self, Play};
use crate::rehearsal::desks;
use crate::rehearsal::errors::RehearsalError;
use crate::rehearsal::fleet::{Fleet, file_error};
use crate::rehearsal::ledger::Ledger;
use crate::rehearsal::network::{COORDINATOR, HOUR_MS, Network, Rhythm, Wire, folder};
use crate::rehearsal::plants::Plants;
use crate::rehearsal::report::{self, Marks};
use crate::rehearsal::screen::Screen;
use crate::rehearsal::work::{self, OpenCase, Sets};

/// How to run the demo.
pub struct DemoOptions {
    /// The program whose daemons and commands are run: this one.
    pub program: PathBuf,
    /// Leave everything running in this folder.
    pub keep: Option<PathBuf>,
    /// The visitor's own files, one a society.
    pub input: Vec<PathBuf>,
}

/// Runs the demo; Ctrl-C ends it and cleans up.
///
/// # Errors
/// [`RehearsalError`]: something did not work, somebody findable was not found, or a name was where none may be.
pub async fn run(options: DemoOptions) -> Result<(), RehearsalError> {
    // Caught from here on, before anything is started that would have to be cleaned up.
    let caught = |kind| signal(kind).map_err(|error| RehearsalError::Start(error.kind()));
    let (mut interrupt, mut terminate) = (caught(SignalKind::interrupt())?, caught(SignalKind::terminate())?);
    tokio::select! {
        outcome = play(options) => outcome,
        _ = interrupt.recv() => Err(RehearsalError::Interrupted),
        _ = terminate.recv() => Err(RehearsalError::Interrupted),
    }
}

async fn play(options: DemoOptions) -> Result<(), RehearsalError> {
    let play = if options.input.is_empty() { data::built_in()? } else { data::of_visitor(&options.input)? };
    let mut screen = Screen::start();
    let members: Vec<MemberId> = play.societies.iter().map(|society| society.member).collect();
    let mut network = begin(&options, &play, &members, &mut screen).await?;
    let cases = search(&network, &play, &members, &mut screen).await?;
    let mut ledger = Ledger::default();
    screen.doing("claims, reviews, consents, disclosures");
    desks::work(&network, &members, &play.consents, &mut ledger, &screen).await?;
    screen.done(&format!(
        "claims, reviews, consents, disclosures in the network's own rhythm (6 h = {} s)",
        (6 * HOUR_MS) as f64 / 1_000.0
    ));
    let marks = tell(&network, &play, &members, &cases, &ledger).await?;
    parties(&network, &play, &members, &ledger)?;
    if options.keep.is_none() {
        drill(&mut network, &play, &members, &mut screen).await?;
    }
    println!("\n{} s in all.", screen.seconds().round());
    if options.keep.is_some() {
        keep(network, &members);
    }
    if play.answers.is_empty() || marks.all_right() {
        return Ok(());
    }
    Err(RehearsalError::Answers { found: marks.found, findable: marks.findable, wrong: marks.wrong })
}

async fn begin(options: &DemoOptions, play: &Play, members: &[MemberId], screen: &mut Screen) -> Result<Network, RehearsalError> {
    let sought: usize = play.cases.iter().map(|case| case.subjects.len()).sum();
    println!(
        "Kinmesh demo: {} societies, 1 coordination node, {sought} sought people in {} cases (a drill network: hours run as {HOUR_MS} ms)",
        members.len(),
        play.cases.len()
    );
    screen.doing("key ceremony, nodes, roster");
    let fleet = Fleet::start(options.program.clone(), options.keep.as_deref())?;
    let wire = if options.keep.is_some() { Wire::Direct } else { Wire::Recorded };
    let dir = fleet.dir().to_path_buf();
    let mut network = Network::start(fleet, &play.societies, wire, Rhythm { hour_ms: HOUR_MS, epoch_s: 0 }).await?;
    screen.done(&format!("key ceremony 2 of 3 · roster v1 signed · {} members", members.len()));
    screen.doing("nodes up");
    network.up(&play.societies, members).await?;
    screen.done(&format!("nodes up · {}", dir.display()));
    screen.doing("import");
    let mut counts = Vec::new();
    for society in &play.societies {
        let people = work::import(&network, society).await?;
        counts.push(format!("{} {people}", folder(&society.member)));
    }
    screen.done(&format!("import     {}", counts.join(" · ")));
    screen.doing("sets exchanged");
    let Sets { count, bytes } = work::sets_exchanged(&network, members, screen).await?;
    screen.done(&format!("sets exchanged {count} of {count} ({} KiB, each padded to a multiple of 4,096 labels)", bytes / 1_024));
    Ok(network)
}

async fn search(
    network: &Network,
    play: &Play,
    members: &[MemberId],
    screen: &mut Screen,
) -> Result<Vec<OpenCase>, RehearsalError> {
    screen.doing("network search");
    let mut cases = Vec::new();
    for case in &play.cases {
        cases.push(work::open_case(network, case).await?);
    }
    for case in &cases {
        work::search(network, case).await?;
    }
    let evaluations = work::searched(network, members, screen).await?;
    screen.done(&format!("network search: {} cases, {evaluations} evaluations of 48 keys", cases.len()));
    Ok(cases)
}

/// Both desks side by side, then the answer key.
async fn tell(
    network: &Network,
    play: &Play,
    members: &[MemberId],
    cases: &[OpenCase],
    ledger: &Ledger,
) -> Result<Marks, RehearsalError> {
    let mut seen = Vec::new();
    for member in members {
        if let Answer::Cases { cases } = network.ask(member, Command::CaseList { limit: 256 }).await? {
            seen.push((*member, cases));
        }
    }
    let lines = report::lines(play, cases, &seen, ledger);
    println!("{}", report::table(&lines));
    let marks = report::mark(&play.answers, cases, ledger);
    if play.answers.is_empty() {
        println!("{} of your sought people were answered.", ledger.disclosed.len());
    } else {
        println!("{}   (tests/data/demo/answers.csv)", marks.line());
    }
    Ok(marks)
}

/// What each party could see, counted in what it has.
fn parties(network: &Network, play: &Play, members: &[MemberId], ledger: &Ledger) -> Result<(), RehearsalError> {
    let mut plants = Plants::default();
    for society in &play.societies {
        for form in data::people_of(society)? {
            plants.add(&form);
        }
    }
    for (_, form) in play.cases.iter().flat_map(|case| &case.subjects) {
        plants.add(form);
    }
    let coordinator = network.fleet.node_dir(COORDINATOR);
    let at_coordinator = plants.count_below(&coordinator).map_err(|error| file_error(&coordinator, &error))?;
    let (mut on_wire, mut bytes) = (0, 0);
    for tap in &network.taps {
        if let Some(file) = tap.file() {
            on_wire += plants.count_below(file).map_err(|error| file_error(file, &error))?;
        }
        bytes += tap.bytes();
    }
    let mut logs = 0;
    for node in members.iter().map(folder).chain([COORDINATOR.to_owned()]) {
        let log = network.fleet.dir().join(format!("{node}.log"));
        logs += plants.count_below(&log).map_err(|error| file_error(&log, &error))?;
    }
    let wire = if network.taps.is_empty() {
        "the wire was not recorded (--keep)".to_owned()
    } else {
        format!("on the wire {on_wire} (of {} KiB)", bytes / 1_024)
    };
    println!(
        "What each party could see: coordination node {at_coordinator} of {} planted names, dates and places; {wire}; in the logs {logs};",
        plants.len()
    );
    for member in members {
        let met = ledger.candidates.values().filter(|candidate| candidate.holder == *member).count()
            + ledger.closed_by_band.values().filter(|holder| **holder == *member).count();
        println!(
            "  {} saw the {met} sought people whose claims met its own records, and of nobody else that he is sought;",
            folder(member)
        );
    }
    for (count, place) in [(at_coordinator, "at the coordination node"), (on_wire, "on the wire"), (logs, "in the logs")] {
        if count > 0 {
            return Err(RehearsalError::Leak { count, place });
        }
    }
    Ok(())
}

/// One node is taken with its files and keys.
async fn drill(network: &mut Network, play: &Play, members: &[MemberId], screen: &mut Screen) -> Result<(), RehearsalError> {
    let Some(society) = play.societies.get(2).or(play.societies.last()) else { return Ok(()) };
    let lost = society.member;
    let others: Vec<MemberId> = members.iter().copied().filter(|member| *member != lost).collect();
    let own = usize::try_from(work::status(network, &lost).await?.people).unwrap_or(usize::MAX);
    screen.doing("breach drill");
    let loot = breach::take(network, &lost, own)?;
    let (seconds, refused) = breach::suspend(network, &lost, &others).await?;
    let let_in = breach::come_back(network, &lost, &others).await?;
    let going_on = go_on(network, play, &others, screen).await?;
    screen.done("breach drill");
    println!(
        "\nBreach drill: node {} taken with files and keys -> {} registered people and {} cases of {} exposed,\n  with what others had sent it: {} sought people whose claims met its records, {} disclosures; registered people of others: {}.\n  Suspended by 2 of 3 custodians: refused by {refused} of {} others in {seconds:.1} s; back with its own keys it was let in by {let_in}.\n  The others kept matching: {going_on}.",
        folder(&lost),
        loot.own_people,
        loot.own_cases,
        folder(&lost),
        loot.foreign_attributes,
        loot.disclosures,
        loot.others_people,
        others.len()
    );
    if loot.others_people > 0 {
        return Err(RehearsalError::Exposed { count: loot.others_people });
    }
    if let_in > 0 {
        return Err(RehearsalError::Exposed { count: let_in });
    }
    Ok(())
}

/// After the suspension: a case of before is opened anew at one of the others and answered.
async fn go_on(network: &Network, play: &Play, others: &[MemberId], screen: &Screen) -> Result<String, RehearsalError> {
    if others.len() < 2 {
        return Ok("there is no other society left to ask in this network".to_owned());
    }
    let usable = |case: &&data::DemoCase| others.contains(&case.society) && case.claim_never.is_empty();
    let Some(case) = play.cases.iter().find(usable) else { return Ok("no case of theirs to search again".to_owned()) };
    let began = std::time::Instant::now();
    let open = work::open_case(network, case).await?;
    work::search(network, &open).await?;
    loop {
        let command = Command::SearchStatus { case: Some(open.case.to_string()) };
        if let Answer::Searches { subjects, .. } = network.ask(&open.society, command).await?
            && subjects.iter().all(|line| line.asked > 0 && line.tested == line.asked)
        {
            let asked: u32 = subjects.iter().map(|line| line.asked).sum();
            return Ok(format!(
                "{asked} of {asked} evaluations of another case answered in {:.1} s",
                began.elapsed().as_secs_f64()
            ));
        }
        screen.so_far("breach drill: the others go on".to_owned());
        work::patience(began, "a search after the suspension")?;
        tokio::time::sleep(std::time::Duration::from_millis(60)).await;
    }
}

/// Leaves everything running and says how to look at it.
fn keep(network: Network, members: &[MemberId]) {
    let dir = network.fleet.dir().to_path_buf();
    let processes = network.fleet.leave_running();
    let ids: Vec<String> = processes.iter().map(|(_, id)| id.to_string()).collect();
    if let Some(first) = members.first() {
        println!("\nNext: kinmesh --dir {} candidate list", dir.join(folder(first)).display());
    }
    println!("The nodes run on; to stop them: kill {}\nto remove everything: rm -r {}", ids.join(" "), dir.display());
}
