use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::Timestamp;
use plimsoll_core::clock::Clock;
use plimsoll_registry::{Error, Event, Hours, Moves, Progress, Stage, Synced, Target, Throttle};
use plimsoll_scripted_registry::{Habits, Scripted};

use crate::copies::{Fleet, digest, mk_fleet, mk_image, mk_place, mk_target};
use crate::mk::mk_bytes;

const NIGHT: &str = "22:00-06:00";
const BEFORE_SIX: i64 = 5 * 3600;
const AFTER_SIX: i64 = 7 * 3600;

/// Seconds of the first of January 1970.
#[derive(Default)]
struct Set(AtomicI64);

impl Set {
    fn to(&self, second: i64) {
        self.0.store(second, Ordering::SeqCst);
    }
}

impl Clock for Set {
    fn now(&self) -> Timestamp {
        Timestamp::from_second(self.0.load(Ordering::SeqCst)).unwrap()
    }

    fn elapsed(&self) -> Duration {
        Duration::ZERO
    }
}

/// A target that may be written to at night. The journal of those who wrote by day is empty in the end.
fn mk_nightly(fleet: &Fleet, clock: &Arc<Set>) -> (Target, Arc<Throttle>, Arc<Mutex<Vec<String>>>) {
    let throttle = Arc::new(Throttle::unlimited().within(vec![NIGHT.parse().unwrap()], clock.clone()));
    let by_day: Arc<Mutex<Vec<String>>> = Arc::default();
    let target = Target { throttle: Some(throttle.clone()), ..mk_target(&fleet.targets[0].1, "1.4") };
    (target, throttle, by_day)
}

#[tokio::test]
async fn a_transfer_pauses_at_the_end_of_the_window_and_goes_on_where_it_was() {
    let fleet = mk_fleet(1, Habits::default()).await;
    // Three chunks.
    let root = mk_image(&fleet.source, None, &[mk_bytes(20 << 20)]);
    let clock = Arc::new(Set(AtomicI64::new(BEFORE_SIX)));
    let (target, throttle, by_day) = mk_nightly(&fleet, &clock);
    let chunks = Arc::new(AtomicUsize::new(0));
    fleet.targets[0].0.script({
        let (clock, by_day, chunks) = (clock.clone(), by_day.clone(), chunks.clone());
        move |request| {
            if throttle.shut_for().is_some() {
                by_day.lock().unwrap().push(format!("{} {}", request.method, request.path));
            }
            if request.method == "PATCH" && chunks.fetch_add(1, Ordering::SeqCst) == 1 {
                clock.to(AFTER_SIX);
            }
            Scripted::Pass
        }
    });
    let plan = fleet.copier.plan(&fleet.place, &digest(&root), vec![target]).await.unwrap();
    let (progress, told) = (Progress::new(&plan), Mutex::new(Vec::new()));
    let on = |event: Event| {
        progress.note(&event);
        match event {
            Event::Paused { wait, .. } => {
                let reached = progress.reached()[0];
                told.lock().unwrap().push((wait, reached.stage, reached.done >= 16 << 20, reached.estimate));
                clock.to(AFTER_SIX + 15 * 3600);
            }
            Event::Again { .. } => panic!("it began again"),
            _ => {}
        }
    };
    fleet.copier.run(&plan, &on).await.remove(0).unwrap();
    assert_eq!(*by_day.lock().unwrap(), Vec::<String>::new());
    let told = told.into_inner().unwrap();
    let wait = Duration::from_hours(15);
    assert_eq!((told.len(), told[0].0, told[0].1, told[0].2), (1, wait, Stage::Paused(wait), true));
    assert!(told[0].3.is_some_and(|estimate| estimate > wait), "{told:?}");
    let reached = progress.reached()[0];
    assert_eq!(
        (reached.stage, reached.done, reached.estimate),
        (Stage::Done, reached.total, Some(Duration::ZERO))
    );
    assert_eq!(chunks.load(Ordering::SeqCst), 3);
}

#[tokio::test]
async fn nothing_is_asked_of_a_target_before_its_window_opens() {
    let fleet = mk_fleet(1, Habits::default()).await;
    let root = mk_image(&fleet.source, None, &[mk_bytes(1000)]);
    let clock = Arc::new(Set(AtomicI64::new(AFTER_SIX)));
    let (target, _, _) = mk_nightly(&fleet, &clock);
    let plan = fleet.copier.plan(&fleet.place, &digest(&root), vec![target]).await.unwrap();
    let asked = Mutex::new(Vec::new());
    let on = |event: Event| {
        if let Event::Paused { .. } = event {
            asked.lock().unwrap().push(fleet.targets[0].0.take_journal().len());
            clock.to(BEFORE_SIX);
        }
    };
    fleet.copier.run(&plan, &on).await.remove(0).unwrap();
    assert_eq!(*asked.lock().unwrap(), [0]);
}

#[tokio::test]
async fn repositories_are_kept_equal_every_night_and_a_night_that_had_begun_is_made_use_of() {
    let fleet = mk_fleet(1, Habits::default()).await;
    mk_image(&fleet.source, Some("v1"), &[mk_bytes(1000)]);
    let clock = Arc::new(Set(AtomicI64::new(BEFORE_SIX)));
    let schedule = Hours::new(vec![NIGHT.parse().unwrap()], clock.clone());
    let mirrors = [mk_place(&fleet.targets[0].1, "prod/web").into()];
    let (told, mut heard) = tokio::sync::mpsc::unbounded_channel();
    let next_night = 22 * 3600 + 7;
    let done = |synced: Result<Synced, Error>| {
        let synced = synced.unwrap();
        told.send((clock.now().as_second(), synced.tags, synced.targets[0].copied)).unwrap();
        mk_image(&fleet.source, Some("v2"), &[mk_bytes(1001)]);
        // The day that follows is nobody's; it is over once the night is waited for.
        let (clock, was) = (clock.clone(), clock.now().as_second());
        tokio::spawn(async move { clock.to(if was < next_night { next_night } else { was }) });
    };
    let kept = fleet.copier.keep_equal(&fleet.place, &mirrors, Moves::Never, &schedule, |_| true, done);
    let nights = async { [heard.recv().await.unwrap(), heard.recv().await.unwrap()] };
    let nights = tokio::select! {
        () = kept => unreachable!("it goes on"),
        nights = nights => nights,
    };
    assert_eq!(nights, [(BEFORE_SIX, 1, 1), (next_night, 2, 1)]);
}

#[tokio::test]
async fn what_is_kept_equal_can_be_left_to_a_task() {
    let fleet = mk_fleet(1, Habits::default()).await;
    mk_image(&fleet.source, Some("v1"), &[mk_bytes(1000)]);
    let mirrors = [mk_place(&fleet.targets[0].1, "prod/web").into()];
    let (told, mut heard) = tokio::sync::mpsc::unbounded_channel();
    let (copier, place) = (fleet.copier, fleet.place);
    let task = tokio::spawn(async move {
        let always = Hours::new(Vec::new(), Arc::new(Set::default()));
        let done = |synced: Result<Synced, Error>| told.send(synced.unwrap().targets[0].copied).unwrap();
        copier.keep_equal(&place, &mirrors, Moves::Never, &always, |_| true, done).await;
    });
    assert_eq!(heard.recv().await, Some(1));
    task.abort();
}
