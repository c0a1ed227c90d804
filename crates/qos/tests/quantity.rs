//! Golden values of `k8s.io/apimachinery` and the laws that quantities keep.

#![expect(clippy::panic, reason = "a helper of tests fails the test")]

use std::collections::HashSet;

use Resource::{Cpu, EphemeralStorage, Memory};
use plimsoll_qos::{Format, Quantity, QuantityError, Resource, StrictFault};
use proptest::prelude::*;

fn q(text: &str) -> Quantity {
    text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
}

#[test]
fn quantities_print_canonically() {
    let table = [
        ("1024Mi", "1Gi"),
        ("1000M", "1G"),
        ("0.001T", "1G"),
        ("307200Ki", "300Mi"),
        ("1025024Mi", "1001Gi"),
        ("1024Gi", "1Ti"),
        ("0.5", "500m"),
        ("1.08", "1080m"),
        ("1000u", "1m"),
        ("1080000000n", "1080m"),
        ("5000m", "5"),
        ("00", "0"),
        (".001e12", "1e9"),
        ("0.001e0", "1e-3"),
        ("1000e-12", "1e-9"),
        (".001Ki", "1024m"),
        (".000001Ki", "1024u"),
        (".000000001Ki", "1024n"),
        (".000000000001Ki", "2n"),
        ("1.5", "1500m"),
        ("1.5Gi", "1536Mi"),
        ("1", "1"),
        ("0Ki", "0"),
        ("100.035Ki", "102435840m"),
        ("3.001n", "4n"),
        ("1.1E-9", "2e-9"),
        ("0.9n", "1n"),
        ("0.0000000001", "1n"),
        ("1e-500", "1e-9"),
        ("0.00000012345", "124n"),
        ("0.00000012354", "124n"),
        ("9Ei", "9223372036854775807"),
        ("9223372036854775807Ki", "9223372036854775807"),
        ("8Ei", "9223372036854775807"),
        ("7Ei", "7Ei"),
        ("12E", "12E"),
        ("1000E", "1000E"),
        ("1Ki", "1Ki"),
        ("1023", "1023"),
    ];
    for (text, canonical) in table {
        assert_eq!(q(text).to_string(), canonical, "{text}");
        assert_eq!(q(&format!("+{text}")).to_string(), canonical, "+{text}");
        let negative = if canonical == "0" { "0".to_owned() } else { format!("-{canonical}") };
        assert_eq!(q(&format!("-{text}")).to_string(), negative, "-{text}");
        assert_eq!(q(canonical), q(text), "{canonical} reads back");
    }
}

#[test]
fn quantities_have_the_value_they_say() {
    let table = [
        ("0.0005k", "0.5"),
        ("100.035k", "100035"),
        ("10.035M", "10035000"),
        ("6.987654321G", "6987654321"),
        ("1.3E+6", "1300000"),
        ("1.3E6", "1300000"),
        ("1.53E12", "1530000000000"),
        ("100.035Ki", "102435.84"),
        ("0.05Gi", "53687091.2"),
        ("1.", "1"),
        ("1.G", "1000000000"),
        (".001", "0.001"),
        ("12E", "12000000000000000000"),
        ("Ki", "0"),
        ("Ti", "0"),
        ("E", "0"),
        ("e-9", "0"),
        (".", "0"),
        ("-", "0"),
        ("+", "0"),
        ("m", "0"),
    ];
    for (text, plain) in table {
        assert_eq!(q(text), q(plain), "{text}");
        if !text.starts_with(['-', '+']) {
            assert_eq!(q(&format!("-{text}")), Quantity::default() - q(plain), "-{text}");
            assert_eq!(q(&format!("+{text}")), q(plain), "+{text}");
        }
    }
}

#[test]
fn what_is_no_quantity_is_refused() {
    for text in [
        "", "1.1.M", "1+1.0M", "0.1mi", "0.1am", "aoeu", ".5i", "1i", "-3.01i", "-3.01e-", " 1", "1 ", "1K",
        "1e", "1e+", "1e5.5", "--1", "+-1", "0x10", "1_000", "NaN", "١", "Pi", "Ei", ".Ei", "e-10", ".e-10",
    ] {
        assert!(text.parse::<Quantity>().is_err(), "{text}");
    }
    assert_eq!(
        "1e99999999999999999999".parse::<Quantity>(),
        Err(QuantityError::ExponentOutOfRange { text: "1e99999999999999999999".to_owned(), max: 512 })
    );
    assert_eq!("1".repeat(513).parse::<Quantity>(), Err(QuantityError::TooLong { max: 512 }));
}

#[test]
fn json_may_hold_blanks_numbers_and_null() {
    let read = |json: &str| serde_json::from_str::<Quantity>(json).unwrap();
    assert_eq!(read("\" 1\""), q("1"));
    assert_eq!(read("\"1 \""), q("1"));
    assert_eq!(read("1"), q("1"));
    assert_eq!(read("-1"), q("-1"));
    assert_eq!(read("0.25"), q("250m"));
    assert_eq!(read("18446744073709551615"), q("18446744073709551615"));
    assert_eq!(read("10"), q("10"));
    assert_eq!(read("1e18"), q("1e18"));
    assert_eq!(read("0.000123"), q("123u"));
    assert_eq!(read("null"), Quantity::default());
    for inexact in ["18446744073709551616", "1.0000000000000002", "-123456789012345678901"] {
        let refused = serde_json::from_str::<Quantity>(inexact).unwrap_err().to_string();
        assert!(refused.starts_with("an amount with more than 15 digits must be a string"), "{refused}");
        assert_eq!(read(&format!("\"{inexact}\"")), q(inexact));
    }
    assert_eq!(serde_json::to_string(&q("1024Mi")).unwrap(), "\"1Gi\"");
    assert!(serde_json::from_str::<Quantity>("true").is_err());
}

#[test]
fn rounding_up_goes_away_from_zero() {
    let table = [
        ("9.01", -3, "9.01"),
        ("9.01", -2, "9.01"),
        ("9.01", -1, "9.1"),
        ("9.01", 0, "10"),
        ("9.01", 1, "10"),
        ("9.01", 2, "100"),
        ("-9.01", -1, "-9.1"),
        ("-9.01", 0, "-10"),
        ("0", 2, "0"),
    ];
    for (text, scale, rounded) in table {
        assert_eq!(q(text).round_up(scale), q(rounded), "{text} at {scale}");
    }
    assert_eq!(q("1").round_up(i32::MAX), q("1e512"));
    assert_eq!(q("1n").round_up(i32::MIN), q("1n"));
    assert_eq!(q("1.5").value_i64(), Some(2));
    assert_eq!(q("-1.5").value_i64(), Some(-2));
    assert_eq!(q("1.0001").millis_i64(), Some(1001));
    assert_eq!(q("10E").value_i64(), None);
    assert_eq!(q("1025Ki").round_up_to(&q("1Mi")), q("2Mi"));
    assert_eq!(q("1025Ki").round_up_to(&Quantity::default()), q("1025Ki"));
}

#[test]
fn order_and_equality_are_numeric_across_notations() {
    assert!(q("10000T") > q("100Gi"));
    assert!(q("-10000T") < q("-100Gi"));
    assert!(q("50m") < q("100m"));
    assert_eq!(q("1000m"), q("1"));
    assert_eq!(q("1Gi"), q("1073741824"));
    assert_eq!(HashSet::from([q("1"), q("1000m"), q("1e0")]).len(), 1);
}

#[test]
fn constructors_remember_the_notation() {
    let binary = |quantity: Quantity| quantity.with_format(Format::Binary).to_string();
    assert_eq!(binary(Quantity::from_millis(1024)), "1024m");
    assert_eq!(binary(Quantity::from_millis(1_048_576)), "1048576m");
    assert_eq!(Quantity::from_units(1000).to_string(), "1k");
    assert_eq!(Quantity::from_bytes(1024).to_string(), "1Ki");
    assert_eq!(Quantity::from_mebibytes(683).to_string(), "683Mi");
    assert_eq!(Quantity::default().to_string(), "0");
}

#[test]
fn what_is_below_one_is_decimal_from_then_on_whatever_its_suffix_was() {
    assert_eq!(q("0.5Ki").format(), Format::Binary);
    assert_eq!(q("0.0005Ki").format(), Format::Decimal);
    assert_eq!((q("0.0005Ki") + q("1023.488")).to_string(), "1024");
    assert_eq!(q("0Ki").format(), Format::Binary);
}

#[test]
fn sums_are_written_like_the_left_operand_unless_it_is_zero() {
    assert_eq!((Quantity::default() + q("100m")).to_string(), "100m");
    assert_eq!((Quantity::default() - q("1Gi")).to_string(), "-1Gi");
    assert_eq!((q("1Gi") + q("1024")).to_string(), "1048577Ki");
    assert_eq!((q("1024") + q("1Gi")).to_string(), "1073742848");
    assert_eq!([q("1Gi"), q("1Gi")].iter().sum::<Quantity>().to_string(), "2Gi");
}

/// What was written, what it is of, what is wrong with it, what was probably meant.
type Refused = (&'static str, Resource, &'static str, Option<&'static str>);

const REFUSED: [Refused; 25] = [
    ("100m", Memory, "`m` is no unit of memory", Some("100Mi")),
    ("100mi", Memory, "`mi` is no unit of memory", Some("100Mi")),
    ("2GB", Memory, "`GB` is no unit of memory", Some("2Gi")),
    ("2K", Memory, "`K` is no unit of memory", None),
    ("2000K", Memory, "`K` is no unit of memory", Some("2000Ki")),
    ("512", Memory, "`512` is less than 1Mi of memory", Some("512Mi")),
    ("1.5", Memory, "`1.5` is less than 1Mi of memory", Some("1.5Mi")),
    ("1 Gi", Memory, "`1 Gi` contains blanks", Some("1Gi")),
    ("0.0000001Ti", EphemeralStorage, "`0.0000001Ti` is less than 1Mi of ephemeral storage", None),
    ("1000Pi", Memory, "`Pi` is no unit of memory", None),
    ("65Ti", Memory, "`65Ti` of memory is more than any server has (64Ti)", None),
    (
        "1.0000000001Mi",
        Memory,
        "`1.0000000001Mi` is finer than memory is counted (whole bytes)",
        Some("1048577"),
    ),
    ("512Mi", Cpu, "`Mi` is no unit of CPU", None),
    ("500mi", Cpu, "`mi` is no unit of CPU", Some("500m")),
    ("2 cores", Cpu, "`2 cores` contains blanks", None),
    ("2cores", Cpu, "`cores` is no unit of CPU", Some("2")),
    ("5000", Cpu, "`5000` of CPU is more than any server has (4096 cores)", Some("5000m")),
    ("0.0005", Cpu, "`0.0005` is finer than CPU is counted (1m)", Some("1m")),
    ("-1", Cpu, "CPU must be above zero, not `-1`", None),
    ("0", Cpu, "CPU must be above zero, not `0`", None),
    ("", Cpu, "CPU cannot be empty", None),
    (".5", Cpu, "`.5` is not an amount of CPU", Some("0.5")),
    ("1.", Cpu, "`1.` is not an amount of CPU", Some("1")),
    ("+1", Cpu, "`+1` is not an amount of CPU", Some("1")),
    ("1,5", Cpu, "`1,5` is not an amount of CPU", None),
];

#[test]
fn people_are_told_what_they_probably_meant() {
    for (text, resource, fault, suggestion) in REFUSED {
        let error = Quantity::parse_strict(text, resource).expect_err(text);
        assert_eq!((error.fault.to_string().as_str(), error.suggestion.as_deref()), (fault, suggestion));
    }
    let error = Quantity::parse_strict("100m", Memory).unwrap_err();
    assert_eq!(error.to_string(), "`m` is no unit of memory; did you mean 100Mi?");
    let accepted = [
        ("500m", Cpu),
        ("0.5", Cpu),
        ("1.5Gi", Memory),
        ("1536M", Memory),
        ("10Gi", EphemeralStorage),
        // The bounds themselves are meant.
        ("1m", Cpu),
        ("4096", Cpu),
        ("1Mi", Memory),
        ("64Ti", Memory),
        ("1024Ti", EphemeralStorage),
    ];
    for (text, resource) in accepted {
        assert_eq!(Quantity::parse_strict(text, resource), Ok(q(text)));
    }
    let remedy = |text, resource| Quantity::parse_strict(text, resource).unwrap_err().remedy();
    assert_eq!(remedy("1Ki", Memory), "write at least 1Mi");
    assert_eq!(remedy("65Ti", Memory), "write at most 64Ti");
    assert_eq!(remedy("0", Cpu), "write a number and a unit, for example 500m of CPU or 512Mi of memory");
    let fault = Quantity::parse_strict("-", Cpu).unwrap_err().fault;
    assert_eq!(fault, StrictFault::Malformed { text: "-".to_owned(), resource: Cpu });
}

#[test]
fn what_could_not_be_read_when_it_is_printed_is_not_read_either() {
    let text = "1000e511";
    let out_of_range = QuantityError::ExponentOutOfRange { text: text.to_owned(), max: 512 };
    assert_eq!(text.parse::<Quantity>(), Err(out_of_range));
    // As petas it has a digit more than there may be.
    let text = format!("{}.5E", "9".repeat(509));
    assert_eq!(text.len(), 512);
    assert_eq!(text.parse::<Quantity>(), Err(QuantityError::TooLong { max: 512 }));
    for text in ["100e510", "1e512", "-1e512", "1e-512"] {
        assert_eq!(q(&q(text).to_string()), q(text));
    }
}

#[test]
fn what_people_may_write_they_may_write_as_it_is_printed() {
    for (written, printed, resource) in [
        ("1000", "1k", Resource::Cpu),
        ("4000000m", "4k", Resource::Cpu),
        ("0.5", "500m", Resource::Cpu),
        ("1000M", "1G", Resource::Memory),
        ("0.5Gi", "512Mi", Resource::Memory),
        ("1000T", "1P", Resource::EphemeralStorage),
    ] {
        let read = Quantity::parse_strict(written, resource).unwrap();
        assert_eq!(read.to_string(), printed);
        assert_eq!(Quantity::parse_strict(printed, resource), Ok(read));
    }
}

fn any_quantity() -> impl Strategy<Value = Quantity> {
    let suffix = prop_oneof![
        Just(""),
        Just("n"),
        Just("u"),
        Just("m"),
        Just("k"),
        Just("M"),
        Just("G"),
        Just("T"),
        Just("P"),
        Just("E"),
        Just("Ki"),
        Just("Mi"),
        Just("Gi"),
        Just("Ti"),
        Just("Pi"),
        Just("Ei"),
        Just("e7"),
        Just("E-5"),
    ];
    ("-?[0-9]{1,20}", prop::option::of("[0-9]{0,12}"), suffix).prop_map(|(whole, fraction, suffix)| {
        let fraction = fraction.map(|digits| format!(".{digits}")).unwrap_or_default();
        q(&format!("{whole}{fraction}{suffix}"))
    })
}

proptest! {
    #[test]
    fn printing_and_reading_keeps_value_and_print(quantity in any_quantity()) {
        let read = q(&quantity.to_string());
        prop_assert_eq!(&read, &quantity);
        prop_assert_eq!(read.to_string(), quantity.to_string());
    }

    #[test]
    fn adding_and_taking_away_again_leaves_nothing(amounts in prop::collection::vec(any_quantity(), 0..20)) {
        let mut sum = Quantity::default();
        for amount in &amounts { sum += amount; }
        for amount in &amounts { sum -= amount; }
        prop_assert!(sum.is_zero());
    }

    #[test]
    fn rounding_up_never_comes_closer_to_zero(quantity in any_quantity(), scale in -9..12) {
        let rounded = quantity.round_up(scale);
        let away = if quantity.is_negative() { rounded <= quantity } else { rounded >= quantity };
        prop_assert!(away);
        prop_assert_eq!(&rounded.round_up(scale), &rounded);
    }

    #[test]
    fn reading_never_panics(text in ".{0,40}") {
        let _ = text.parse::<Quantity>();
        for resource in [Resource::Cpu, Resource::Memory, Resource::EphemeralStorage] {
            if let Ok(quantity) = Quantity::parse_strict(&text, resource) {
                prop_assert_eq!(text.parse::<Quantity>(), Ok(quantity));
            }
        }
    }

    #[test]
    fn what_strict_mode_suggests_it_accepts(text in "[-+. ]?[0-9]{0,6}[.]?[0-9]{0,12} ?[a-zA-Z]{0,5}") {
        for resource in [Resource::Cpu, Resource::Memory, Resource::EphemeralStorage] {
            let refused = Quantity::parse_strict(&text, resource).err();
            if let Some(suggestion) = refused.and_then(|error| error.suggestion) {
                prop_assert!(Quantity::parse_strict(&suggestion, resource).is_ok(), "{} for {}", suggestion, text);
            }
        }
    }
}
