use crate::arguments::{self, Plan};
use crate::audit::AuditLog;
use crate::bench::Extent;
use crate::certificates::Certificates;
use crate::http::ApiClient;
use crate::ports::{Leases, Ports};
use crate::process::{Condition, Lifetime, Process};
use crate::record::{self, DataCenterRecord, Layout};
use crate::{Binaries, Component, deadline, kubeconfig, nodes};
use anyhow::{Context, Result, bail};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::PathBuf;
use tokio::sync::Mutex;
use uuid::Uuid;

/// One Kubernetes cluster of a [`Bench`](crate::Bench).
pub struct DataCenter {
    name: String,
    layout: Layout,
    binaries: Binaries,
    lifetime: Lifetime,
    /// Other tests use it too.
    shared: bool,
    /// What is written down; its processes are those of `processes`.
    record: DataCenterRecord,
    api: ApiClient,
    processes: Mutex<BTreeMap<Component, Process>>,
    /// There if the ports were chosen by this program.
    _leases: Option<Leases>,
}

/// How one component of a data center is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PartStatus {
    /// Which one.
    pub component: Component,
    /// The number of its process, if it was started.
    pub pid: Option<i32>,
    /// The loopback port on which it serves.
    pub port: u16,
    /// What its process does.
    pub condition: Condition,
    /// Whether it answers, and is the one that belongs here.
    pub ready: bool,
}

impl DataCenter {
    /// Chooses ports and writes certificates, tokens and kubeconfigs, and starts nothing yet.
    pub(crate) fn prepare(
        name: &str,
        layout: Layout,
        binaries: Binaries,
        extent: Extent,
        arguments: BTreeMap<Component, Vec<String>>,
        lifetime: Lifetime,
    ) -> Result<Self> {
        for folder in [layout.folder(), layout.folder().join("log")] {
            std::fs::create_dir_all(&folder).with_context(|| format!("making {}", folder.display()))?;
        }
        let (ports, leases) = Ports::lease()?;
        let leases = leases.for_components(lifetime)?;
        let certificates = Certificates::make(&layout.certificates(), name)?;
        let server = server(ports);
        let token = Uuid::now_v7().simple().to_string();
        let token_of = |user: &str| format!("{user}-{token}");
        let mut users = vec![(token_of("admin"), "admin"), (token_of("plimsoll-bench"), "plimsoll-bench")];
        kubeconfig::write(
            &layout.kubeconfig(),
            name,
            &server,
            &certificates.authority(),
            &token_of("admin"),
        )?;
        for component in extent.components().iter().filter(|component| component.is_client()) {
            let token = token_of(component.program());
            let path = layout.component_kubeconfig(*component);
            kubeconfig::write(&path, name, &server, &certificates.authority(), &token)?;
            users.push((token, component.program()));
        }
        arguments::write_files(&layout, &users)?;
        let record = DataCenterRecord {
            boot: record::boot()?,
            extent,
            ports,
            etcd_name: format!("{name}-{}", Uuid::now_v7().simple()),
            token: token_of("plimsoll-bench"),
            processes: BTreeMap::new(),
            arguments,
        };
        record.write(&layout)?;
        Self::new(name, layout, binaries, lifetime, record, Some(leases))
    }

    /// One that another program started and wrote down.
    pub(crate) fn found(name: &str, layout: Layout, binaries: Binaries) -> Result<Self> {
        let record = DataCenterRecord::read(&layout)?;
        Self::new(name, layout, binaries, Lifetime::Detached, record, None)
    }

    fn new(
        name: &str,
        layout: Layout,
        binaries: Binaries,
        lifetime: Lifetime,
        record: DataCenterRecord,
        leases: Option<Leases>,
    ) -> Result<Self> {
        let authority = Certificates::in_folder(&layout.certificates()).authority();
        let api = ApiClient::new(server(record.ports), &authority, record.token.clone())?;
        let processes = record
            .processes
            .iter()
            .map(|(component, identity)| {
                (*component, Process::found(*identity, component.program(), layout.log(*component)))
            })
            .collect();
        Ok(Self {
            name: name.to_owned(),
            layout,
            binaries,
            lifetime,
            shared: false,
            record,
            api,
            processes: Mutex::new(processes),
            _leases: leases,
        })
    }

    /// Forbids to disturb it.
    pub(crate) fn shared(mut self) -> Self {
        self.shared = true;
        self
    }

    /// Starts everything and waits until pods could run.
    pub(crate) async fn up(&self, node_count: usize) -> Result<()> {
        self.start(Component::Etcd).await?;
        self.start(Component::ApiServer).await?;
        if self.record.extent == Extent::ApiServer {
            return Ok(());
        }
        let rest = self.record.extent.components().iter().copied().filter(|component| component.is_client());
        for component in rest.clone() {
            self.launch(component).await?;
        }
        for component in rest {
            self.ready(component).await?;
        }
        if self.record.extent == Extent::Full {
            nodes::make(&self.api, &self.name, node_count).await?;
        }
        // Without it no pod is admitted to the namespace.
        let account = "/api/v1/namespaces/default/serviceaccounts/default";
        deadline::until("the default service account", deadline::TO_START, async || {
            Ok(self.api.get(account).await?.map(|_| ()))
        })
        .await
    }

    /// Its name, such as `dc-1`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The kubeconfig of the user `admin`, who may do everything. Its only context has the data center's name.
    pub fn kubeconfig(&self) -> PathBuf {
        self.layout.kubeconfig()
    }

    pub(crate) fn api(&self) -> &ApiClient {
        &self.api
    }

    pub(crate) fn binaries(&self) -> &Binaries {
        &self.binaries
    }

    pub(crate) fn kubectl_cache(&self) -> PathBuf {
        self.layout.folder().join("kubectl-cache")
    }

    /// Where the API server serves: `https://127.0.0.1:PORT`.
    pub fn server(&self) -> String {
        server(self.record.ports)
    }

    /// The client URL of its etcd.
    pub fn etcd(&self) -> String {
        format!("http://127.0.0.1:{}", self.record.ports.etcd_client)
    }

    /// The certificate of the authority that signed the API server's, in PEM.
    pub fn certificate_authority(&self) -> PathBuf {
        Certificates::in_folder(&self.layout.certificates()).authority()
    }

    /// What runs here, in the order in which it starts.
    pub(crate) fn components(&self) -> &'static [Component] {
        self.record.extent.components()
    }

    pub(crate) async fn is_started(&self, component: Component) -> bool {
        self.processes.lock().await.contains_key(&component)
    }

    pub(crate) fn etcd_data(&self) -> PathBuf {
        self.layout.etcd_data()
    }

    /// The folder of its certificates and keys.
    pub(crate) fn certificates(&self) -> PathBuf {
        self.layout.certificates()
    }

    /// Every request that reached the API server.
    pub fn audit_log(&self) -> AuditLog {
        AuditLog::at(self.layout.audit_log())
    }

    /// What a component printed, over all its starts.
    pub fn log(&self, component: Component) -> PathBuf {
        self.layout.log(component)
    }

    /// The JSON that the API server gives for `path`, as the user `plimsoll-bench`; `None` if there is none.
    pub async fn get_json(&self, path: &str) -> Result<Option<Value>> {
        self.api.get(path).await
    }

    /// Begins to create an object at `path` as `user`, and never ends; for whoever wants the server to be busy with it.
    pub fn create_without_end(&self, path: &str, user: &str) -> impl Future<Output = ()> + Send + use<> {
        let (api, path, user) = (self.api.clone(), path.to_owned(), user.to_owned());
        async move { api.create_without_end(&path, &user).await }
    }

    /// Starts a component that is not there, on its old port with its old data, and waits until it is ready.
    pub async fn start(&self, component: Component) -> Result<()> {
        self.launch(component).await?;
        self.ready(component).await
    }

    /// Ends a component by SIGTERM and waits until it is gone.
    pub async fn stop(&self, component: Component) -> Result<()> {
        self.not_shared()?;
        let mut processes = self.processes.lock().await;
        self.find(&mut processes, component)?.stop(deadline::TO_STOP).await?;
        self.forget(&mut processes, component)
    }

    /// Ends a component by SIGKILL and waits until it is gone.
    pub async fn kill(&self, component: Component) -> Result<()> {
        self.not_shared()?;
        let mut processes = self.processes.lock().await;
        self.find(&mut processes, component)?.kill().await?;
        self.forget(&mut processes, component)
    }

    /// Holds a component by SIGSTOP: its port still takes connections, and nothing answers.
    pub async fn freeze(&self, component: Component) -> Result<()> {
        self.not_shared()?;
        self.find(&mut *self.processes.lock().await, component)?.freeze().await
    }

    /// Lets a frozen component go on.
    pub async fn thaw(&self, component: Component) -> Result<()> {
        self.not_shared()?;
        self.find(&mut *self.processes.lock().await, component)?.thaw().await
    }

    /// [`stop`](Self::stop)s the API server.
    pub async fn stop_apiserver(&self) -> Result<()> {
        self.stop(Component::ApiServer).await
    }

    /// [`kill`](Self::kill)s the API server.
    pub async fn kill_apiserver(&self) -> Result<()> {
        self.kill(Component::ApiServer).await
    }

    /// [`start`](Self::start)s the API server.
    pub async fn start_apiserver(&self) -> Result<()> {
        self.start(Component::ApiServer).await
    }

    /// [`freeze`](Self::freeze)s the API server.
    pub async fn freeze_apiserver(&self) -> Result<()> {
        self.freeze(Component::ApiServer).await
    }

    /// [`thaw`](Self::thaw)s the API server.
    pub async fn thaw_apiserver(&self) -> Result<()> {
        self.thaw(Component::ApiServer).await
    }

    /// How its components are, in the order in which they start.
    pub async fn status(&self) -> Vec<PartStatus> {
        let mut parts = Vec::new();
        for component in self.record.extent.components() {
            let (pid, condition) = match self.processes.lock().await.get_mut(component) {
                Some(process) => (Some(process.identity().pid), process.condition()),
                None => (None, Condition::Gone),
            };
            let ready = condition == Condition::Running && self.answers(*component).await;
            parts.push(PartStatus {
                component: *component,
                pid,
                port: self.port(*component),
                condition,
                ready,
            });
        }
        parts
    }

    /// Ends everything in good order, with SIGKILL for what does not go.
    pub(crate) async fn down(&self) -> Result<()> {
        let mut processes = self.processes.lock().await;
        for component in Component::IN_START_ORDER.iter().rev() {
            if let Some(process) = processes.get_mut(component)
                && process.stop(deadline::TO_GO_QUIETLY).await.is_err()
            {
                process.kill().await?;
            }
            self.forget(&mut processes, *component)?;
        }
        Ok(())
    }

    /// Kills everything, frozen or not, without waiting for anything.
    pub(crate) fn kill_now(&mut self) {
        let processes = self.processes.get_mut();
        for component in Component::IN_START_ORDER.iter().rev() {
            if let Some(mut process) = processes.remove(component) {
                process.kill_now();
            }
        }
    }

    async fn launch(&self, component: Component) -> Result<()> {
        self.not_shared()?;
        let mut processes = self.processes.lock().await;
        if let Some(process) = processes.get_mut(&component)
            && process.condition() != Condition::Gone
        {
            bail!("{component} of {} runs already", self.name);
        }
        let plan = Plan {
            layout: &self.layout,
            ports: self.record.ports,
            etcd_name: &self.record.etcd_name,
            extent: self.record.extent,
        };
        let mut arguments = arguments::of(component, &plan);
        arguments.extend(self.record.arguments.get(&component).into_iter().flatten().map(Into::into));
        let process = Process::start(
            &self.binaries.program(component),
            arguments,
            self.layout.log(component),
            self.lifetime,
        )
        .await?;
        processes.insert(component, process);
        self.write_down(&processes)
    }

    async fn ready(&self, component: Component) -> Result<()> {
        let what = format!("{component} of {} to be ready", self.name);
        let waited = deadline::until(&what, deadline::TO_START, async || {
            self.find(&mut *self.processes.lock().await, component)?.must_be_there()?;
            Ok(self.answers(component).await.then_some(()))
        })
        .await;
        // What it waits for stands in its log, and with a test's temporary folder the log will be gone.
        waited.with_context(|| format!("its log is {}", self.log(component).display()))
    }

    /// Whether a component answers, and is the one that belongs here: etcd by its name, the others by a
    /// certificate of this data center's own authority.
    async fn answers(&self, component: Component) -> bool {
        let port = self.port(component);
        match component {
            Component::Etcd => self.api.is_etcd(port, &self.record.etcd_name).await,
            Component::ApiServer => self.api.answers("/readyz").await,
            Component::ControllerManager | Component::Scheduler | Component::Kwok => {
                self.api.at(format!("https://127.0.0.1:{port}")).answers("/healthz").await
            }
        }
    }

    fn port(&self, component: Component) -> u16 {
        let ports = self.record.ports;
        match component {
            Component::Etcd => ports.etcd_client,
            Component::ApiServer => ports.api_server,
            Component::ControllerManager => ports.controller_manager,
            Component::Scheduler => ports.scheduler,
            Component::Kwok => ports.kwok,
        }
    }

    fn not_shared(&self) -> Result<()> {
        if self.shared {
            bail!("{} is shared with other tests: disturb one of your own, from Bench::start", self.name);
        }
        Ok(())
    }

    fn find<'a>(
        &self,
        processes: &'a mut BTreeMap<Component, Process>,
        component: Component,
    ) -> Result<&'a mut Process> {
        processes.get_mut(&component).with_context(|| format!("{component} of {} is not started", self.name))
    }

    fn forget(&self, processes: &mut BTreeMap<Component, Process>, component: Component) -> Result<()> {
        processes.remove(&component);
        self.write_down(processes)
    }

    fn write_down(&self, processes: &BTreeMap<Component, Process>) -> Result<()> {
        let identities =
            processes.iter().map(|(component, process)| (*component, process.identity())).collect();
        DataCenterRecord { processes: identities, ..self.record.clone() }.write(&self.layout)
    }
}

fn server(ports: Ports) -> String {
    format!("https://127.0.0.1:{}", ports.api_server)
}
