/**
 * The schema as text. Append only: a released migration is never edited, a change is a new entry at the end, and
 * `PRAGMA user_version` is the number of entries a file has been through. test/fixtures holds a file of every schema.
 *
 * How it is laid out:
 * - A message gets a small integer `seq` on arrival and every other table points to that. Ids are hashes: an index over them is
 *   written all over the place, so only two exist on the hot path (messages.id, marks.id). All else grows at its end.
 * - Short names that repeat (destinations, scopes) are interned.
 * - What a metric or a status line asks for (counts, roots) is stored, never summed up over history.
 */

/** "KSPB": tells our file from any other SQLite file. */
export const APPLICATION_ID = 0x4b535042

export const MIGRATIONS: readonly string[] = [
  `
CREATE TABLE meta (
  name TEXT PRIMARY KEY,
  value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE counters (
  name TEXT PRIMARY KEY,
  n INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Strands, tasks and results alike. The long columns stand last, so that reading the others touches no overflow page.
CREATE TABLE messages (
  seq INTEGER PRIMARY KEY,
  id BLOB NOT NULL UNIQUE CHECK (length(id) = 32),
  kind TEXT NOT NULL CHECK (kind IN ('strand', 'task', 'result')),
  author BLOB NOT NULL CHECK (length(author) = 32),
  created_at INTEGER NOT NULL,
  valid_until INTEGER,
  confidential INTEGER NOT NULL,
  origin TEXT NOT NULL,
  carrier BLOB,
  road TEXT,
  arrived_at INTEGER NOT NULL,
  type TEXT,
  action TEXT,
  target_kor TEXT,
  source_kor TEXT,
  task_id TEXT,
  attestation_key BLOB,
  attestation_at INTEGER,
  attestation_sig BLOB,
  body TEXT NOT NULL,
  event TEXT
) STRICT;
CREATE INDEX messages_by_author ON messages (author, seq);
CREATE UNIQUE INDEX messages_by_task ON messages (author, task_id, kind) WHERE task_id IS NOT NULL;

-- The braid. Reading a root is reading one row, whatever the count.
CREATE TABLE scopes (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  count INTEGER NOT NULL,
  last_position INTEGER NOT NULL,
  root BLOB NOT NULL CHECK (length(root) = 32)
) STRICT;
CREATE TABLE scope_lanes (
  scope INTEGER PRIMARY KEY REFERENCES scopes (id) ON DELETE CASCADE,
  lanes BLOB NOT NULL CHECK (length(lanes) = 2048)
) STRICT;
-- position: the order in which strands joined the scope, which is not seq where a known strand joined later.
CREATE TABLE scope_members (
  scope INTEGER NOT NULL REFERENCES scopes (id),
  position INTEGER NOT NULL,
  message INTEGER NOT NULL REFERENCES messages (seq),
  PRIMARY KEY (scope, position)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX scope_members_by_message ON scope_members (message, scope);

-- Edges whose two ends are here.
CREATE TABLE parents (
  child INTEGER NOT NULL REFERENCES messages (seq),
  position INTEGER NOT NULL,
  parent INTEGER NOT NULL REFERENCES messages (seq),
  PRIMARY KEY (child, position)
) STRICT, WITHOUT ROWID;
CREATE INDEX parents_by_parent ON parents (parent, child);
-- Edges to a parent that is not here yet: become rows of \`parents\` when it comes.
CREATE TABLE waiting (
  parent BLOB NOT NULL CHECK (length(parent) = 32),
  child INTEGER NOT NULL REFERENCES messages (seq),
  position INTEGER NOT NULL,
  PRIMARY KEY (parent, child)
) STRICT, WITHOUT ROWID;
CREATE INDEX waiting_by_child ON waiting (child, position);
-- The distinct parents of \`waiting\`. Only the wanted ones are asked for: a bounded number per author who named them.
CREATE TABLE missing (
  id BLOB PRIMARY KEY,
  author BLOB NOT NULL,
  wanted INTEGER NOT NULL,
  since INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX missing_by_author ON missing (author, wanted, since);
-- Strands that no strand of the same scope names as parent.
CREATE TABLE tips (
  scope INTEGER NOT NULL REFERENCES scopes (id),
  message INTEGER NOT NULL REFERENCES messages (seq),
  PRIMARY KEY (scope, message)
) STRICT, WITHOUT ROWID;

-- The queue. due_at is NULL where nothing is to be done by itself.
CREATE TABLE destinations (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE
) STRICT;
CREATE TABLE deliveries (
  message INTEGER NOT NULL REFERENCES messages (seq),
  destination INTEGER NOT NULL REFERENCES destinations (id),
  state TEXT NOT NULL,
  due_at INTEGER,
  tries INTEGER NOT NULL,
  steps INTEGER NOT NULL,
  confidential INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  code TEXT,
  PRIMARY KEY (message, destination)
) STRICT, WITHOUT ROWID;
CREATE INDEX deliveries_due ON deliveries (destination, due_at) WHERE due_at IS NOT NULL;
CREATE INDEX deliveries_open ON deliveries (state) WHERE state <> 'done';
-- Every step after the first, which is the delivery's own creation as \`queued\`.
CREATE TABLE transitions (
  message INTEGER NOT NULL,
  destination INTEGER NOT NULL,
  step INTEGER NOT NULL,
  state TEXT NOT NULL,
  at INTEGER NOT NULL,
  road TEXT,
  relay TEXT,
  event BLOB,
  code TEXT,
  reason TEXT,
  PRIMARY KEY (message, destination, step),
  FOREIGN KEY (message, destination) REFERENCES deliveries (message, destination) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
-- The events we sent in a delivery: what a receipt may name, for as long as the delivery lives.
CREATE TABLE sent (
  event BLOB PRIMARY KEY CHECK (length(event) = 32),
  message INTEGER NOT NULL,
  destination INTEGER NOT NULL,
  FOREIGN KEY (message, destination) REFERENCES deliveries (message, destination) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
CREATE INDEX sent_by_delivery ON sent (message, destination);

-- Ids are kept here, not seqs: keys outlive messages.
CREATE TABLE order_keys (
  key TEXT PRIMARY KEY,
  message BLOB NOT NULL
) STRICT, WITHOUT ROWID;

-- Kept for ever, so nothing stands here that is not needed.
CREATE TABLE marks (
  id BLOB PRIMARY KEY CHECK (length(id) = 32),
  code TEXT,
  generation INTEGER
) STRICT, WITHOUT ROWID;

-- event: to be told when the message is done; NULL where only receipts were counted.
CREATE TABLE answers (
  message INTEGER NOT NULL REFERENCES messages (seq),
  carrier BLOB NOT NULL,
  event BLOB,
  confidential INTEGER NOT NULL,
  receipts INTEGER NOT NULL,
  answered BLOB,
  PRIMARY KEY (message, carrier)
) STRICT, WITHOUT ROWID;
CREATE TABLE receipts (
  seq INTEGER PRIMARY KEY,
  recipient BLOB NOT NULL,
  event BLOB NOT NULL,
  ref BLOB,
  status TEXT NOT NULL,
  stage TEXT,
  code TEXT,
  message TEXT,
  at INTEGER NOT NULL,
  due_at INTEGER NOT NULL,
  confidential INTEGER NOT NULL,
  scope TEXT
) STRICT;
CREATE UNIQUE INDEX receipts_by_event ON receipts (recipient, event);
CREATE INDEX receipts_due ON receipts (recipient, due_at);

CREATE TABLE peers (
  key BLOB PRIMARY KEY,
  created_at INTEGER NOT NULL,
  expires_at INTEGER,
  seen_at INTEGER NOT NULL,
  event BLOB NOT NULL,
  relay TEXT,
  info TEXT NOT NULL
) STRICT;
CREATE INDEX peers_by_age ON peers (seen_at);
CREATE TABLE pins (
  id TEXT PRIMARY KEY,
  key BLOB NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX pins_by_key ON pins (key);
CREATE TABLE grants (
  key BLOB PRIMARY KEY,
  verdict TEXT NOT NULL,
  id TEXT,
  at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE relay_memory (
  url TEXT PRIMARY KEY,
  last_whole INTEGER
) STRICT, WITHOUT ROWID;
CREATE TABLE cursors (
  name TEXT PRIMARY KEY,
  value TEXT NOT NULL
) STRICT, WITHOUT ROWID;
`,
]
