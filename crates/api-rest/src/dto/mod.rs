//! What goes over the wire. Answers are made from core's views, each taken apart in full; a client may read
//! them with these types too, for fields that it does not know are ignored. Requests refuse them.

mod app;
mod grades;
mod image;
mod image_operation;
mod installation;
mod operation;
mod page;
mod problem;
mod registry;
mod release;
mod request;
mod scale;

pub use app::{App, AppDataCenter, AppState, Drift, Finding, Health, Pin};
pub use grades::{
    Class, ContainerSize, Grade, GradeChange, NewGrade, NewPolicy, Policy, PolicyChange, RetiredGrade,
    SizedAmount, Terms,
};
pub use image::{
    Image, ImageDataCenter, ImagePart, ImagePlace, ImagePods, ImagePresence, ImageRelease, ImageRemoval,
    ImageWhereabouts,
};
pub use image_operation::{
    AnyOperation, CopyImage, ImageAccepted, ImageCounts, ImageOperation, ImageOperationKind, ImagePlan,
    ImageProgress, ImageTarget, ImageTargetState, PlannedTarget, Steered, SyncImages, VerifyImages,
};
pub use installation::{
    DataCenter, DataCenterState, Decision, DecisionWord, Environment, Guard, Installation, Namespace,
    NamespaceThere, Reach, ReachState, Stop,
};
pub use operation::{
    Accepted, ImagesState, Operation, OperationKind, OperationState, Outcome, OutcomeImages, OutcomeState,
};
pub use page::Page;
pub use problem::{Problem, Violation};
pub use registry::{
    ImageTag, Registry, RegistryPage, RegistryPull, RegistryScheme, RegistryTrait, Repository, TraitSubject,
};
pub use release::{Change, Difference, Release};
pub use request::{NewDataCenter, NewInstallation, NewNamespace, Nothing, RollbackRequest, ScaleRequest};
pub use scale::{All, Autoscale, Placement, Replicas, Replication, Scale};
