//! The cluster port of plimsoll-core on Kubernetes: the App resource, rendering, the controller.
