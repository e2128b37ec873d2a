//! The command tree and its arguments.
//!
//! No argument takes a name, a date, a place, a telephone number or a secret: what stands in an argument stands in the
//! process list and the shell's history. A test reads the tree for it.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use kinmesh_protocol::base::{MemberId, NetworkId, UserId};

use super::audit::AuditVerb;
use super::bundle::BundleVerb;
use super::candidate::CandidateVerb;
use super::case::CaseVerb;
use super::ceremony::CeremonyVerb;
use super::contact::ContactVerb;
use super::daemon::DaemonVerb;
use super::disclosure::DisclosureVerb;
use super::erase::EraseVerb;
use super::keys::KeysVerb;
use super::matching::MatchVerb;
use super::member::MemberVerb;
use super::person::PersonVerb;
use super::protected::ProtectedVerb;
use super::roster::RosterVerb;
use super::search::SearchVerb;
use super::user::UserVerb;

/// A mesh of Red Cross and Red Crescent societies that finds relatives without pooling their data.
#[derive(Debug, Parser)]
#[command(name = "kinmesh", version, propagate_version = true, subcommand_required = true, arg_required_else_help = true)]
#[command(
    after_help = "Start here: kinmesh demo\nA node: kinmesh init, kinmesh daemon run, kinmesh join BUNDLE, kinmesh daemon unlock"
)]
pub(super) struct Arguments {
    #[command(flatten)]
    pub(super) global: Global,
    #[command(subcommand)]
    pub(super) noun: Noun,
}

/// What every command takes.
#[derive(Debug, Args)]
pub(super) struct Global {
    /// Folder of the node [default: $XDG_DATA_HOME/kinmesh].
    #[arg(long, global = true, env = "KINMESH_DIR", hide_env_values = true, value_name = "DIR")]
    pub(super) dir: Option<PathBuf>,
    /// User of this node who acts [default: the only one that is unlocked].
    #[arg(long, global = true, env = "KINMESH_USER", hide_env_values = true, value_name = "NAME")]
    pub(super) user: Option<UserId>,
    /// The result as one JSON object with a schema; an error as one on standard error.
    #[arg(long, global = true)]
    pub(super) json: bool,
    /// No hints and no progress.
    #[arg(long, global = true)]
    pub(super) quiet: bool,
}

/// First word of a command.
#[derive(Debug, Subcommand)]
pub(super) enum Noun {
    /// A whole network on this machine: ceremony, import, search, review, consent, disclosure, answer key.
    Demo(DemoArgs),
    /// Rehearsals for operators, on this machine.
    #[command(subcommand)]
    Drill(DrillVerb),
    /// Makes a node in its folder.
    Init(InitArgs),
    /// Enters a network with the bundle of its coordination office.
    Join(JoinArgs),
    /// Runs the node; closes and opens its records.
    #[command(subcommand)]
    Daemon(DaemonVerb),
    /// What the node does, its peers, what waits.
    #[command(after_help = "Example:\n  kinmesh status")]
    Status,
    /// Who can open this node's records.
    #[command(subcommand)]
    User(UserVerb),
    /// People who may be found.
    #[command(subcommand)]
    Person(PersonVerb),
    /// Records that are to be forgotten: two users erase one.
    #[command(subcommand)]
    Erase(EraseVerb),
    /// Tracing cases: who asks, who is looked for.
    #[command(subcommand)]
    Case(CaseVerb),
    /// Private search at the other members.
    #[command(subcommand)]
    Search(SearchVerb),
    /// Records that nobody may find: who looks for them.
    #[command(subcommand)]
    Protected(ProtectedVerb),
    /// Pairs that a caseworker decides on.
    #[command(subcommand)]
    Candidate(CandidateVerb),
    /// What the found person agreed to.
    #[command(subcommand)]
    Contact(ContactVerb),
    /// What goes back to the seeker's society, and its arrival.
    #[command(subcommand)]
    Disclosure(DisclosureVerb),
    /// What waits for a member, carried as a file where no network leads.
    #[command(subcommand)]
    Bundle(BundleVerb),
    /// How well matching does on data of one's own, and why two descriptions meet.
    #[command(subcommand)]
    Match(MatchVerb),
    /// Who is listed, and this node's own word on each.
    #[command(subcommand)]
    Member(MemberVerb),
    /// Who is a member, and by whose signatures.
    #[command(subcommand)]
    Roster(RosterVerb),
    /// The node's own operational key, and the next one.
    #[command(subcommand)]
    Keys(KeysVerb),
    /// The custodians' keys.
    #[command(subcommand)]
    Ceremony(CeremonyVerb),
    /// Who did what, without personal data.
    #[command(subcommand)]
    Audit(AuditVerb),
    /// Completions for a shell.
    #[command(after_help = "Example:\n  kinmesh completion bash > ~/.local/share/bash-completion/completions/kinmesh")]
    Completion {
        /// Which shell.
        shell: Shell,
    },
}

/// Arguments of `demo`.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  kinmesh demo --keep /tmp/kinmesh")]
pub struct DemoArgs {
    /// Leaves the nodes running in this folder, for exploring.
    #[arg(long, value_name = "DIR")]
    pub keep: Option<PathBuf>,
    /// CSV files in place of the demo's own people, one a society.
    #[arg(long, value_name = "FILE", num_args = 1..)]
    pub input: Vec<PathBuf>,
}

/// Verbs of `drill`.
#[derive(Debug, Subcommand)]
pub enum DrillVerb {
    /// A whole network loses one node with its keys: what is exposed, what is refused, how soon, and whether the others go on.
    Breach(DrillBreachArgs),
    /// The least process that the network costs, for comparison of memory.
    #[command(hide = true, after_help = "Example:\n  kinmesh drill bare-peer")]
    BarePeer,
}

/// Arguments of `drill breach`.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  kinmesh drill breach --members 12 --people 20000")]
pub struct DrillBreachArgs {
    /// Societies.
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u16).range(4..=99))]
    pub members: u16,
    /// Registered people at all societies together.
    #[arg(long, value_name = "N", default_value_t = 400, value_parser = clap::value_parser!(u64).range(40..=2_000_000))]
    pub people: u64,
    /// Leaves stores and logs in this folder, for reading; the nodes are stopped.
    #[arg(long, value_name = "DIR")]
    pub keep: Option<PathBuf>,
}

/// What a node is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum NodeRole {
    /// A society's node.
    #[default]
    Member,
    /// The coordination office's node: it holds no people and no cases.
    Coordinator,
}

/// Arguments of `init`.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  kinmesh init --member KE --network rfl --listen /ip4/0.0.0.0/tcp/4001 --user amina")]
pub struct InitArgs {
    /// The society's id on the roster, such as KE; not needed for a coordination node.
    #[arg(long, value_name = "ID")]
    pub member: Option<MemberId>,
    /// The network's id; a rehearsal's starts with drill-.
    #[arg(long, value_name = "NET")]
    pub network: NetworkId,
    /// What the node is for.
    #[arg(long, value_enum, default_value_t)]
    pub role: NodeRole,
    /// The society's public name, as the roster shows it [default: its id].
    #[arg(long, value_name = "TITLE")]
    pub society: Option<String>,
    /// Its country, two or three capital letters [default: its id if that is one, else XX].
    #[arg(long, value_name = "CC")]
    pub country: Option<String>,
    /// Addresses to listen on; none (the word) for a node behind NAT, which others reach through the relay.
    #[arg(long, value_name = "MULTIADDR", num_args = 1..)]
    pub listen: Vec<String>,
    /// Addresses at which others reach this node, if not those it listens on.
    #[arg(long, value_name = "MULTIADDR", num_args = 1..)]
    pub address: Vec<String>,
    /// File of 32 random bytes or more that opens the node's own keys, in place of a passphrase.
    #[arg(long, value_name = "FILE")]
    pub credential: Option<PathBuf>,
    /// The same for the first user's key to the records.
    #[arg(long, value_name = "FILE")]
    pub user_credential: Option<PathBuf>,
}

/// Arguments of `join`.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  kinmesh join invitation.kmb")]
pub struct JoinArgs {
    /// The bundle: roster and key announcements.
    #[arg(value_name = "BUNDLE")]
    pub bundle: PathBuf,
    /// Root fingerprint from the custodians' letter [default: asked for].
    #[arg(long, value_name = "TEXT")]
    pub fingerprint: Option<String>,
}

/// Arguments of `daemon run`.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  kinmesh daemon run --credential /etc/kinmesh/credential")]
pub struct DaemonRunArgs {
    /// File that opens the node's own keys, in place of a passphrase.
    #[arg(long, value_name = "FILE")]
    pub credential: Option<PathBuf>,
}

#[cfg(test)]
mod tests {
    use clap::{Command, CommandFactory};

    use super::*;

    fn leaves(command: &Command, path: &str, found: &mut Vec<(String, Command)>) {
        let path = format!("{path} {}", command.get_name());
        if !command.has_subcommands() {
            found.push((path.clone(), command.clone()));
        }
        for sub in command.get_subcommands().filter(|sub| sub.get_name() != "help") {
            leaves(sub, &path, found);
        }
    }

    fn all() -> Vec<(String, Command)> {
        let mut command = Arguments::command();
        command.build();
        let mut found = Vec::new();
        leaves(&command, "", &mut found);
        found
    }

    #[test]
    fn the_tree_is_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn every_command_says_what_it_does_and_gives_an_example_that_parses() {
        for (path, command) in all() {
            assert!(command.get_about().is_some(), "{path}");
            let example = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            let line = example.lines().find(|line| line.starts_with("  kinmesh ")).unwrap_or_else(|| panic!("{path}: {example}"));
            let words: Vec<&str> = line.split_whitespace().take_while(|word| !matches!(*word, ">" | "<" | "|")).collect();
            let parsed = Arguments::try_parse_from(&words);
            assert!(parsed.is_ok(), "{line}: {}", parsed.unwrap_err());
            for flag in ["json", "quiet", "dir", "user"] {
                assert!(command.get_arguments().any(|arg| arg.get_long() == Some(flag)), "{path} --{flag}");
            }
        }
    }

    #[test]
    fn no_argument_takes_personal_data_or_a_secret() {
        let taken = [
            "name",
            "given",
            "family",
            "father",
            "mother",
            "birth",
            "date",
            "place",
            "phone",
            "sex",
            "note",
            "text",
            "message",
            "passphrase",
            "password",
            "secret",
            "token",
            "session",
        ];
        for (path, command) in all() {
            for arg in command.get_arguments().filter(|arg| arg.get_action().takes_values()) {
                let name = arg.get_long().map_or_else(|| arg.get_id().to_string(), str::to_owned);
                assert!(!taken.contains(&name.as_str()), "{path} --{name}");
            }
        }
    }

    #[test]
    fn no_variable_holds_a_secret() {
        for (path, command) in all() {
            for variable in command.get_arguments().filter_map(clap::Arg::get_env) {
                assert!(["KINMESH_DIR", "KINMESH_USER"].iter().any(|known| variable == *known), "{path} {variable:?}");
            }
        }
    }
}
