mod findings;
mod mk;
mod objects;
mod pods;
mod removal;
