//! System tests: the built program against simulated and real data centers.
