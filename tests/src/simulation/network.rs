//! Makes a simulated drill network: custodians, a signed roster, a coordination node, members that have joined.

use ed25519_dalek::SigningKey;
use kinmesh_protocol::base::limits::KEYS_A_RECORD;
use kinmesh_protocol::base::{Draw, MemberId, NetworkId};
use kinmesh_protocol::engine::{Answer, Command, Custody, Failure, Seat, setup};
use kinmesh_protocol::linkage::{parameters_hash, profile_id};
use kinmesh_protocol::private_match::manifest::PREFIX_BITS;
use kinmesh_protocol::roster::{
    CaseClass, ClassId, Coordinator, Custodians, Fingerprint, Limits, Member, MemberStatus, Pace, Profile, Roster, Suspension,
    assemble, fingerprint_text, sign_roster, sign_suspension,
};

use crate::simulation::faults::Faults;
use crate::simulation::store::SimStore;
use crate::simulation::world::World;

/// An hour of the real network, in milliseconds of the simulated one.
pub const HOUR_MS: u64 = 1_000;
/// Public messages in one command, as an operator's node hands them over: a step is one small batch.
const ITEMS: usize = 8;

/// A made network with its keys.
pub struct Setup {
    /// The world.
    pub world: World,
    /// The members' places in it, in the order of their ids.
    pub members: Vec<usize>,
    /// The coordination node's place.
    pub coordinator: usize,
    /// The roster that counts.
    pub roster: Roster,
    /// Each member's printed revocation, in the order of the ids.
    pub revocations: Vec<Vec<u8>>,
    /// What each member's node was made with, in the order of the ids: all that a thief may get.
    pub papers: Vec<Papers>,
    /// The custodians' keys; two of three sign.
    pub custodians: Vec<SigningKey>,
    /// The coordination node's key.
    pub coordinator_key: SigningKey,
}

/// What a member's node was made with.
pub struct Papers {
    /// Its offline key.
    pub root: SigningKey,
    /// Its operational key.
    pub operational: SigningKey,
    /// Its first key announcement.
    pub announcement: Vec<u8>,
}

/// A network id of a drill.
///
/// # Panics
/// Never: the text is one.
#[must_use]
pub fn network_id() -> NetworkId {
    NetworkId::new("drill-sim").expect("a network id")
}

/// Makes and starts a network of members; every node is unlocked and has joined.
///
/// # Panics
/// When a node does not take the roster: that is a failed test.
#[must_use]
pub fn start(seed: u64, ids: &[&str], faults: Faults) -> Setup {
    start_among(seed, ids, 0, faults)
}

/// The same, in a network with so many more members that are on the roster and never seen.
///
/// # Panics
/// When a node does not take the roster: that is a failed test.
#[must_use]
pub fn start_among(seed: u64, ids: &[&str], absent: usize, faults: Faults) -> Setup {
    start_with(seed, ids, absent, faults, |_| {})
}

/// The same, in a network whose roster is changed first: its pace, its end, what a member is.
///
/// # Panics
/// When a node does not take the roster: that is a failed test.
#[must_use]
pub fn start_with(seed: u64, ids: &[&str], absent: usize, faults: Faults, change: impl FnOnce(&mut Roster)) -> Setup {
    let mut world = World::new(seed, Faults { clock_ms: faults.clock_ms, ..Faults::NONE });
    let mut draw = Draw::new(world.seed());
    let key = |draw: &mut Draw| SigningKey::from_bytes(&draw.bytes());
    let custodians: Vec<SigningKey> = (0..3).map(|_| key(&mut draw)).collect();
    let coordinator_key = key(&mut draw);
    let store = SimStore::default();
    for batch in setup::coordinator(network_id()) {
        store.commit(batch).expect("the first rows");
    }
    let coordinator = world.add("geneva", Seat::Coordinator, coordinator_key.to_bytes(), store);
    let (mut members, mut entries, mut papers, mut revocations) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for id in ids {
        let member = MemberId::new(id).expect("a member id");
        let (root, operational) = (key(&mut draw), key(&mut draw));
        let setup = setup::MemberSetup { member, network: network_id() };
        let (batches, enrolment) = setup::member(&setup, &root, &operational, world.now(), &mut draw);
        let store = SimStore::default();
        for batch in batches {
            store.commit(batch).expect("the first rows");
        }
        store.set_records_open(true);
        members.push(world.add(id, Seat::Member(member), operational.to_bytes(), store));
        entries.push(entry(member, &root, world.now().seconds()));
        papers.push(Papers { root, operational, announcement: enrolment.announcement });
        revocations.push(enrolment.self_revocation);
    }
    for number in 0..absent {
        let member = MemberId::new(&format!("X{number:03}")).expect("a member id");
        entries.push(entry(member, &key(&mut draw), world.now().seconds()));
    }
    let mut keys: Vec<[u8; 32]> = custodians.iter().map(|key| key.verifying_key().to_bytes()).collect();
    keys.sort_unstable();
    let mut roster = roster(&world, keys, coordinator_key.verifying_key().to_bytes(), entries);
    change(&mut roster);
    let mut setup = Setup { world, members, coordinator, roster, revocations, papers, custodians, coordinator_key };
    let announcements = setup.papers.iter().map(|papers| papers.announcement.clone());
    let items: Vec<Vec<u8>> = std::iter::once(setup.signed()).chain(announcements).collect();
    let fingerprint = fingerprint_text(&Fingerprint::of(&setup.roster));
    let nodes: Vec<usize> = std::iter::once(setup.coordinator).chain(setup.members.iter().copied()).collect();
    for node in nodes {
        setup.world.start(node);
        for items in items.chunks(ITEMS) {
            let take = Command::PublicTake { items: items.to_vec(), fingerprint: Some(fingerprint.clone()) };
            let taken = setup.world.command(node, take);
            assert!(matches!(taken, Ok(Answer::PublicTaken { roster_version: 1, .. })), "{taken:?}");
        }
    }
    setup.world.faults = faults;
    setup
}

impl Setup {
    /// The offline root key of a member.
    ///
    /// # Panics
    /// When the member is not of this network.
    #[must_use]
    pub fn root_of(&self, member: MemberId) -> &SigningKey {
        let place = self.roster.members.iter().position(|listed| listed.id == member).expect("a member");
        &self.papers.get(place).expect("a member that runs").root
    }

    /// The roster signed by two of three custodians.
    #[must_use]
    pub fn signed(&self) -> Vec<u8> {
        let payload = self.roster.payload();
        let mut signatures: Vec<_> =
            self.custodians.iter().take(2).map(|key| sign_roster(&network_id(), &payload, key)).collect();
        signatures.sort();
        assemble(&payload, signatures)
    }

    /// The next roster, with a member suspended.
    ///
    /// # Panics
    /// When the member is not on the roster.
    pub fn suspend(&mut self, id: &str) -> Vec<u8> {
        self.change_status(id, MemberStatus::Suspended)
    }

    /// The next roster, with a member taking part.
    ///
    /// # Panics
    /// When the member is not on the roster.
    pub fn reinstate(&mut self, id: &str) -> Vec<u8> {
        self.change_status(id, MemberStatus::Active)
    }

    /// The emergency suspension of a member for 14 days, signed by the first so many custodians.
    ///
    /// # Panics
    /// When the id is none.
    #[must_use]
    pub fn suspension(&self, id: &str, custodians: usize) -> Vec<u8> {
        let issued = self.world.now().seconds();
        let suspension = Suspension {
            network_id: network_id(),
            roster_version: self.roster.version,
            member: MemberId::new(id).expect("a member id"),
            issued,
            until: issued + 14 * 86_400,
            reason_code: 1,
        };
        let payload = kinmesh_protocol::base::cbor::encode(&suspension);
        let signatures = self.custodians.iter().take(custodians).map(|key| sign_suspension(&network_id(), &payload, key));
        assemble(&payload, signatures.collect())
    }

    /// The next roster, changed.
    pub fn next(&mut self, change: impl FnOnce(&mut Roster)) -> Vec<u8> {
        self.roster.prev_hash = kinmesh_protocol::roster::verify::payload_hash(&self.roster.payload());
        self.roster.version += 1;
        self.roster.issued = self.world.now().seconds();
        change(&mut self.roster);
        self.signed()
    }

    fn change_status(&mut self, id: &str, status: MemberStatus) -> Vec<u8> {
        self.roster.prev_hash = kinmesh_protocol::roster::verify::payload_hash(&self.roster.payload());
        self.roster.version += 1;
        let now = self.world.now().seconds();
        self.roster.issued = now;
        let member = self.roster.members.iter_mut().find(|member| member.id.as_str() == id).expect("a member");
        member.status = status;
        member.status_since = now;
        self.signed()
    }

    /// Gives a roster to a node.
    ///
    /// # Errors
    /// Why the node does not take it.
    pub fn give(&mut self, node: usize, roster: Vec<u8>) -> Result<Answer, Failure> {
        self.world.command(node, Command::PublicTake { items: vec![roster], fingerprint: None })
    }

    /// Opens or locks a member's records.
    pub fn custody(&mut self, node: usize, custody: Custody) {
        self.world.custody(node, custody);
    }
}

fn entry(id: MemberId, root: &SigningKey, now: u64) -> Member {
    Member {
        id,
        names: vec![("en".to_owned(), format!("{id} Red Cross"))],
        country: "XX".to_owned(),
        status: MemberStatus::Active,
        root_key: root.verifying_key().to_bytes(),
        people_cap: 16_384,
        case_class: ClassId::M,
        addresses: vec!["/ip4/127.0.0.1/tcp/1".to_owned()],
        incident_contact: String::new(),
        joined: now,
        status_since: now,
        single_reviewer: true,
        ask_class: ClassId::S,
    }
}

fn roster(world: &World, keys: Vec<[u8; 32]>, coordinator: [u8; 32], mut members: Vec<Member>) -> Roster {
    members.sort_by_key(|member| member.id);
    let now = world.now().seconds();
    Roster {
        network_id: network_id(),
        version: 1,
        prev_hash: [0; 32],
        issued: now,
        expires: now + 400 * 86_400,
        protocol_min: 1,
        protocol_max: 1,
        profile: Profile { id: profile_id(), parameters_hash: parameters_hash() },
        keys_a_record: KEYS_A_RECORD as u64,
        prefix_bits: PREFIX_BITS,
        classes: CaseClass::standard().to_vec(),
        limits: Limits::standard(),
        pace: Pace::drill(HOUR_MS),
        custodians: Custodians { keys, threshold: 2, root_threshold: 3, emergency_threshold: 2 },
        coordinator: Coordinator { key: coordinator, addresses: vec!["/ip4/127.0.0.1/tcp/2".to_owned()] },
        auditors: Vec::new(),
        members,
        force_roll: Vec::new(),
        notices: Vec::new(),
    }
}
