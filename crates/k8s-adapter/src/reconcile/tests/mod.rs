mod findings;
mod hindrance;
mod mk;
mod objects;
mod pods;
mod removal;
