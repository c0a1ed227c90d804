use plimsoll_qos::eval::line;
use serde_json::Value;

/// A line is answered by one line of JSON that says whether it could be, the same however the request is written.
pub fn eval(bytes: &[u8]) {
    let answer = line(bytes);
    assert!(!answer.contains('\n'), "{answer:?} is more than one line");
    let read: Value = serde_json::from_str(&answer).expect("an answer is JSON");
    match read["ok"].as_bool() {
        Some(true) => {
            // In fields that nobody reads there may be bytes that are no text.
            if let Ok(request) = serde_json::from_slice::<Value>(bytes) {
                assert_eq!(line(request.to_string().as_bytes()), answer, "the same, written otherwise");
            }
        }
        Some(false) => assert!(read["error"].as_str().is_some_and(|error| !error.is_empty()), "{answer}"),
        None => panic!("{answer} does not say whether it is one"),
    }
}
