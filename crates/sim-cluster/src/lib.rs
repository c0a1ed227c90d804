//! A Kubernetes API in one process, with pods that live and die by an injectable clock.
