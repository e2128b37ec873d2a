//! Invented people for the bench of linkage: as registered, and as somebody else tells of them.
//!
//! Households of three share parents, family name and town, and names are drawn from short lists, so that keys also bring
//! together brothers, sisters and people of one name, as real candidates do. A seed gives the same people always.

use kinmesh_protocol::base::{Draw, Sensitive};
use kinmesh_protocol::linkage::{BirthDate, Fields, PlaceKind, PlaceText, Sex};
use serde_json::{Value, json};

/// A name in up to three spellings.
type Name = [&'static str; 3];

/// The names of one region.
struct Region {
    given: [Name; 8],
    family: [Name; 8],
    towns: [Name; 4],
}

const REGIONS: [Region; 4] = [
    Region {
        given: [
            ["Mohamed", "محمد", "Muhammad"],
            ["Ahmad", "أحمد", "Ahmed"],
            ["Yusuf", "يوسف", "Yousef"],
            ["Fatima", "فاطمة", "Fatma"],
            ["Mariam", "مريم", "Maryam"],
            ["Hussein", "حسين", "Husain"],
            ["Salim", "سليم", "Saleem"],
            ["Khadija", "خديجة", "Hadija"],
        ],
        family: [
            ["Haddad", "حداد", "Hadad"],
            ["Barakat", "بركات", "Baraket"],
            ["Darwish", "درويش", "Darwich"],
            ["Nasser", "ناصر", "Nasir"],
            ["Qasim", "قاسم", "Kassem"],
            ["Khalil", "خليل", "Halil"],
            ["Mansour", "منصور", "Mansur"],
            ["Zaidan", "زيدان", "Zeidan"],
        ],
        towns: [["Aleppo", "حلب", "Halab"], ["Idlib", "إدلب", "Edleb"], ["Homs", "حمص", "Hims"], ["Mosul", "الموصل", "Mossul"]],
    },
    Region {
        given: [
            ["Oleksandr", "Олександр", "Aleksandr"],
            ["Olena", "Олена", "Elena"],
            ["Hryhorii", "Григорій", "Grigory"],
            ["Iryna", "Ірина", "Irina"],
            ["Volodymyr", "Володимир", "Vladimir"],
            ["Natalia", "Наталія", "Nataliya"],
            ["Pavlo", "Павло", "Pavel"],
            ["Sofiia", "Софія", "Sofia"],
        ],
        family: [
            ["Kovalchuk", "Ковальчук", "Kowalczuk"],
            ["Shevchenko", "Шевченко", "Schewtschenko"],
            ["Bondarenko", "Бондаренко", "Bondarenco"],
            ["Tkachenko", "Ткаченко", "Tkatchenko"],
            ["Melnyk", "Мельник", "Melnik"],
            ["Kravchuk", "Кравчук", "Krawczuk"],
            ["Lysenko", "Лисенко", "Lisenko"],
            ["Zakharchenko", "Захарченко", "Zaharchenko"],
        ],
        towns: [
            ["Mariupol", "Маріуполь", "Mariupil"],
            ["Kherson", "Херсон", "Herson"],
            ["Poltava", "Полтава", "Poltawa"],
            ["Kramatorsk", "Краматорськ", "Kramatorsk"],
        ],
    },
    Region {
        given: [
            ["Tesfaye", "ተስፋዬ", "Tesfay"],
            ["Berhane", "ብርሃኔ", "Birhane"],
            ["Haile", "ኃይሌ", "Hayle"],
            ["Almaz", "አልማዝ", "Almas"],
            ["Tsegaye", "ጸጋዬ", "Segaye"],
            ["Fikirte", "ፍቅርተ", "Fikrte"],
            ["Yohannes", "ዮሐንስ", "Johannes"],
            ["Selam", "ሰላም", "Selamawit"],
        ],
        family: [
            ["Bekele", "በቀለ", "Beqele"],
            ["Shiferaw", "ሽፈራው", "Schiferaw"],
            ["Gebremariam", "ገብረማርያም", "Gebre Mariam"],
            ["Tadesse", "ታደሰ", "Tadese"],
            ["Wolde", "ወልደ", "Welde"],
            ["Girma", "ግርማ", "Germa"],
            ["Desta", "ደስታ", "Dessta"],
            ["Mengistu", "መንግስቱ", "Mengestu"],
        ],
        towns: [["Assab", "ዓሰብ", "Asab"], ["Gondar", "ጎንደር", "Gonder"], ["Adwa", "አድዋ", "Adua"], ["Axum", "አክሱም", "Aksum"]],
    },
    Region {
        given: [
            ["Maria", "María", "Mariya"],
            ["Jose", "José", "Joseph"],
            ["Rosa", "Rosa", "Roza"],
            ["Carlos", "Carlos", "Karlos"],
            ["Xiomara", "Xiomara", "Siomara"],
            ["Hector", "Héctor", "Ector"],
            ["Lucia", "Lucía", "Luzia"],
            ["Joaquin", "Joaquín", "Juaquin"],
        ],
        family: [
            ["Lopez", "López", "Lopes"],
            ["Garcia", "García", "Garzia"],
            ["Hernandez", "Hernández", "Ernandes"],
            ["Morales", "Morales", "Moralez"],
            ["Quintanilla", "Quintanilla", "Kintanilla"],
            ["Zelaya", "Zelaya", "Selaya"],
            ["Portillo", "Portillo", "Portilho"],
            ["Chavez", "Chávez", "Chaves"],
        ],
        towns: [
            ["San Salvador", "San Salvador", "S. Salvador"],
            ["Esteli", "Estelí", "Esteli"],
            ["Santa Ana", "Santa Ana", "Sta Ana"],
            ["Choluteca", "Choluteca", "Cholutega"],
        ],
    },
];

/// Members of one household.
const HOUSEHOLD: usize = 3;

/// As many registered people, whole households; each entry is a record as the vectors write it.
pub fn registered(count: usize, draw: &mut Draw) -> Vec<Value> {
    let mut records = Vec::new();
    while records.len() < count {
        let region = pick(&REGIONS, draw);
        let [father, mother, grandfather] = [(); 3].map(|()| *pick(&region.given, draw));
        let [family, mothers_family] = [(); 2].map(|()| *pick(&region.family, draw));
        let [town, other_town] = [(); 2].map(|()| *pick(&region.towns, draw));
        let spelling = draw.below(3) as usize;
        for _ in 0..HOUSEHOLD {
            let given = pick(&region.given, draw)[spelling];
            records.push(json!({
                "given": given,
                "family": format!("{} {}", father[spelling], family[spelling]),
                "father": format!("{} {}", father[spelling], grandfather[spelling]),
                "mother": format!("{} {}", mother[spelling], mothers_family[spelling]),
                "dob": format!("{}-{:02}-{:02}", 1950 + draw.below(70), 1 + draw.below(12), 1 + draw.below(28)),
                "places": [["", town[spelling]], ["", other_town[spelling]]],
                "sex": if draw.below(2) == 0 { "F" } else { "M" },
            }));
        }
    }
    records.truncate(count);
    records
}

/// The same people in the words of another: every name in another spelling, parts unknown, dates half remembered.
pub fn sought(registered: &[Value], draw: &mut Draw) -> Vec<Value> {
    registered.iter().map(|record| retold(record, draw)).collect()
}

/// A record as linkage takes it.
pub fn fields(record: &Value) -> Fields {
    let text = |name: &str| Sensitive::from(record[name].as_str().unwrap_or(""));
    let place = |place: &Value| PlaceText {
        text: place[1].as_str().unwrap().into(),
        kind: if place[2].as_str() == Some("street") { PlaceKind::Street } else { PlaceKind::Town },
    };
    let mut fields = Fields {
        given: text("given"),
        family: text("family"),
        father: text("father"),
        mother: text("mother"),
        birth: BirthDate::parse(record["dob"].as_str().unwrap_or("")),
        places: record["places"].as_array().map(|places| places.iter().map(place).collect()).unwrap_or_default(),
        ..Fields::default()
    };
    fields.sex = match record["sex"].as_str() {
        Some("F") => Some(Sex::Female),
        Some("M") => Some(Sex::Male),
        _ => None,
    };
    fields
}

fn retold(record: &Value, draw: &mut Draw) -> Value {
    let mut told = record.clone();
    for name in ["given", "family", "father", "mother"] {
        let kept = name == "given" || draw.below(4) > 0;
        let text = record[name].as_str().unwrap_or("");
        told[name] = if kept { respelled(text, draw).into() } else { "".into() };
    }
    let date = record["dob"].as_str().unwrap_or("");
    told["dob"] = match draw.below(4) {
        0 => date.get(..4).unwrap_or("").into(),
        1 => swapped(date).into(),
        2 => "".into(),
        _ => date.into(),
    };
    if let Some(places) = told["places"].as_array_mut() {
        places.truncate(1 + draw.below(2) as usize);
        for place in places {
            place[1] = respelled(place[1].as_str().unwrap_or(""), draw).into();
        }
    }
    told
}

/// Every name of the lists in a text in a spelling drawn anew.
fn respelled(text: &str, draw: &mut Draw) -> String {
    let known = |region: &'static Region| region.given.iter().chain(&region.family).chain(&region.towns);
    let names: Vec<&Name> = REGIONS.iter().flat_map(known).collect();
    let spelling = draw.below(3) as usize;
    let whole = names.iter().find(|name| name.contains(&text)).map(|name| name[spelling].to_owned());
    whole.unwrap_or_else(|| {
        let words = text.split(' ');
        let words = words.map(|word| names.iter().find(|name| name.contains(&word)).map_or(word, |name| name[spelling]));
        words.collect::<Vec<_>>().join(" ")
    })
}

fn swapped(date: &str) -> String {
    let mut parts = date.split('-');
    match (parts.next(), parts.next(), parts.next()) {
        (Some(year), Some(month), Some(day)) if day < "13" => format!("{year}-{day}-{month}"),
        _ => date.to_owned(),
    }
}

fn pick<'a, T>(list: &'a [T], draw: &mut Draw) -> &'a T {
    &list[draw.below(list.len() as u64) as usize]
}
