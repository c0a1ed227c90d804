//! In which ways a registry is unlike the specification.

/// How a registry behaves. The default is one that does everything right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Habits {
    /// Entries of a page when the client asks for none or too many, in `_catalog` and lists of tags.
    pub page: usize,
    /// More than this asked for is answered 400; without it any number is given.
    pub refuses_above: Option<usize>,
    /// How many are asked for makes no difference, and everything comes at once.
    pub ignores_n: bool,
    /// In which order entries come.
    pub order: Order,
    /// How a page leads to the next.
    pub leads: Leads,
    /// A repository without tags says `null`.
    pub null_tags: bool,
    /// Names that lists leave out, though they are there.
    pub hidden: Vec<String>,
    /// What asking for a mount gets.
    pub mounts: Mounts,
    /// What asking to delete gets.
    pub deletes: Deletes,
    /// Whether it keeps who refers to what.
    pub referrers: Referrers,
    /// The smallest chunk that it wants, in the header for it.
    pub min_chunk: Option<u64>,
    /// Reads of blobs are sent to this base URL.
    pub blobs_at: Option<String>,
    /// Ranges are not honoured: everything comes from the first byte.
    pub ignores_ranges: bool,
    /// What asking for anything but what one has gets.
    pub entity_tags: EntityTags,
    /// Who may do what.
    pub tokens: Option<TokenGate>,
}

impl Default for Habits {
    fn default() -> Self {
        Self {
            page: 100,
            refuses_above: None,
            ignores_n: false,
            order: Order::Bytes,
            leads: Leads::Relative,
            null_tags: false,
            hidden: Vec::new(),
            mounts: Mounts::Done,
            deletes: Deletes::All,
            referrers: Referrers::Kept,
            min_chunk: None,
            blobs_at: None,
            ignores_ranges: false,
            entity_tags: EntityTags::Honoured,
            tokens: None,
        }
    }
}

/// In which order lists come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// By bytes.
    Bytes,
    /// By bytes of the keys that an object store has them under: `a-b` before `a/`.
    Keys,
    /// By the components of names, as a walk through folders finds them.
    Components,
    /// In none that helps: backwards.
    Backwards,
}

/// How a page leads to the next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Leads {
    /// By a path.
    Relative,
    /// By a whole URL.
    Absolute,
    /// By the URL of another host.
    Elsewhere(String),
    /// The last page leads to the first.
    InCircles,
    /// Every page leads on, the last ones to empty ones.
    ForEver,
    /// Not at all: the first page is everything that comes.
    Nowhere,
}

/// What asking for a mount gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mounts {
    /// 201 where the source has it.
    Done,
    /// 202 and a session, always.
    Declined,
    /// 405.
    Unknown,
    /// 404.
    Missing,
}

/// What asking to delete gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deletes {
    /// It is done.
    All,
    /// By digest it is done; by tag the answer is 400 `DIGEST_INVALID`.
    ByDigest,
    /// 405.
    Off,
}

/// What asking for a tag that points to anything but what one has gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntityTags {
    /// 304 where it points to that.
    Honoured,
    /// What it points to.
    Ignored,
}

/// Whether a registry keeps who refers to what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Referrers {
    /// It does, and says so when a referrer is stored.
    Kept,
    /// It has no such route.
    Unknown,
}

/// A registry that wants tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenGate {
    /// Where tokens are given; this registry's own `/token` where it is empty.
    pub realm: String,
    /// User and password that get every right asked for; without them everybody does.
    pub user: Option<(String, String)>,
    /// How many seconds a token lives.
    pub life: u64,
}
