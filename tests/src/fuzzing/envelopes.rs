//! Items as a carrier brings them: messages and cells, by whoever wrote the bytes, and signed by a member that lies.

use kinmesh_protocol::base::limits::ITEM_BYTES;
use kinmesh_protocol::base::{CellId, Draw, Kid, MemberId, Millis, MsgId, NetworkId, Party, Timestamp};
use kinmesh_protocol::envelope::{
    Addressee, Cell, CellHeader, CellKind, Header, Item, KeyRing, Message, Refusal, SealSecret, SigningKey, Unverified,
    VerifyingKey, kid_of, packed_len, seal, sign,
};

/// The time of the committed inputs, Unix seconds.
const NOW: u64 = 1_800_000_000;
const KEY: [u8; 32] = [7; 32];
const SECRET: [u8; 32] = [9; 32];
/// Bytes of plaintext of the smallest bag.
const BAG: usize = 16 * 1024;

struct OneKey(VerifyingKey);

impl KeyRing for OneKey {
    fn verifying_key(&self, _: Party, kid: Kid, _: u64) -> Result<VerifyingKey, Refusal> {
        if kid == kid_of(self.0.as_bytes()) { Ok(self.0) } else { Err(Refusal::KeyUnknown) }
    }
}

fn network() -> NetworkId {
    NetworkId::new("kin-test").expect("a network id")
}

fn ring(key: &SigningKey) -> OneKey {
    OneKey(key.verifying_key())
}

fn verify(message: &Unverified<Message>, ring: &OneKey) -> Result<Vec<u8>, Refusal> {
    let me = Addressee::Party(Party::Member(member("KE")));
    let (now, skew, life) = (Timestamp::from_seconds(NOW), Millis::hours(24), Millis::days(35));
    message.verify(&network(), me, ring, now, skew, life).map(|verified| verified.body.clone())
}

fn member(id: &str) -> MemberId {
    MemberId::new(id).expect("a member id")
}

/// Any bytes as an item.
pub fn item(input: &[u8]) {
    match Item::parse(input) {
        Ok(Item::Message(message)) => {
            assert!(input.len() <= ITEM_BYTES);
            let shown = message.claimed_header();
            assert!(shown.is_err() || shown.is_ok_and(|header| header.kind == message.claimed_kind()));
            // Nobody but the holder of the key makes a message that counts.
            let key = SigningKey::from_bytes(&KEY);
            assert!(verify(&message, &ring(&key)).is_err(), "a forged message");
        }
        Ok(Item::Cell(cell)) => {
            let shown = cell.claimed_header();
            assert!(shown.is_err() || shown.is_ok_and(|header| Party::Member(header.from) == cell.claimed_from()));
        }
        Ok(Item::Roster(bytes)) => assert_eq!(bytes, input),
        Err(_) => {}
    }
}

/// Any body, signed by a member: accepted only in the one form, and then to the byte.
pub fn signed(input: &[u8]) {
    let key = SigningKey::from_bytes(&KEY);
    let header = Header {
        kind: 40 + u64::from(input.first().copied().unwrap_or(0) % 7),
        from: Party::Member(member("BE")),
        to: Some(Party::Member(member("KE"))),
        msg_id: MsgId([3; 16]),
        n: 1,
        created: NOW,
        expires: NOW + 86_400,
        roster_version: 1,
        re: None,
    };
    let body = input.get(1..).unwrap_or_default();
    let bytes = sign(&network(), &header, body, &key);
    let parsed = Unverified::<Message>::parse(&bytes, ITEM_BYTES);
    if let Ok(read) = parsed.and_then(|message| verify(&message, &ring(&key))) {
        assert_eq!(read, body, "a body comes out as it went in");
    }
}

/// Pieces of the input sealed in a bag: what was packed comes out, or the cell is refused whole.
pub fn sealed(input: &[u8]) {
    let key = SigningKey::from_bytes(&KEY);
    let secret = SealSecret::from_bytes(SECRET);
    let length = usize::from(input.first().copied().unwrap_or(0)) + 1;
    let pieces: Vec<Vec<u8>> = input.get(1..).unwrap_or_default().chunks(length).map(<[u8]>::to_vec).collect();
    let header = CellHeader {
        kind: CellKind::Bag,
        from: member("BE"),
        to: member("KE"),
        cell_id: CellId([4; 16]),
        created: NOW,
        expires: NOW + 86_400,
        recipient_key_id: secret.public().key_id(),
    };
    let mut draw = Draw::new([5; 32]);
    let made = seal(&network(), &header, &pieces, BAG, &secret.public(), &key, &mut draw);
    assert_eq!(made.is_ok(), packed_len(&pieces) <= BAG);
    let Ok(bytes) = made else { return };
    let me = Addressee::Party(Party::Member(member("KE")));
    let (now, skew, life) = (Timestamp::from_seconds(NOW), Millis::hours(24), Millis::days(35));
    let cell =
        Unverified::<Cell>::parse(&bytes, ITEM_BYTES).and_then(|cell| cell.verify(&network(), me, &ring(&key), now, skew, life));
    let cell = cell.expect("a cell that was sealed is a cell");
    if let Ok(messages) = cell.open(&network(), &secret) {
        assert_eq!(messages, pieces);
        assert!(messages.iter().all(|message| Unverified::<Message>::parse(message, ITEM_BYTES).is_ok()));
    }
}
