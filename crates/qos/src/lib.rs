//! Quantities, QoS classes, grades and oversell: how much of the machines may be sold.
