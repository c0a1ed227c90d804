//! The built program against three data centers, simulated and real, by the same code.

mod dev;
mod faces;
mod grades;
mod ground;
mod held;
mod image_work;
mod images;
mod kill;
mod kubectl;
mod lifecycle;
mod outage;
mod progress;
mod quiet;
mod readme;
mod repair;
mod retention;
mod rights;
mod tour;
mod trouble;
