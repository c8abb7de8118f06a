"""What to do when a DAG is red: the notes that Airflow shows beside each one."""

TRIAGE = {
    "ingest": """
### A source's night

For each table: **write** copies what the provider answers into `audit`, a task for each group of properties (its label
names them); **audit** judges all properties' loads; **publish** swaps the days of those that passed into `raw`. Then
the source's night is announced, and the night is closed once all sources have ended it, of which one source's run tells
`warehouse`. The run's partition key is the night.

**What a red run means.** Some property's load failed or is in quarantine. The others, of its group too, are published,
the night closes and `warehouse` runs without it. `verdict` names each such load with its reason; `ops.load` and
`ops.verdict` keep it. A group is tried again while any of its properties may come later; what is finished is not read
again.

| red task | meaning | do |
|---|---|---|
| `write`: TransientSourceError | the provider was away longer than the retries | a dated source heals by itself |
| the same, a snapshot source | tonight's answer is still missing | clear the task before 23:00 UTC |
| `write`: TerminalSourceError | credentials, permissions, a refused request | mend the connection, clear the task |
| `write`: BudgetError | a limit of properties.yml was reached | look at `ops.load`, raise the limit or leave it |
| `write`: NightOverError | a snapshot was asked for after its night | nothing: that night cannot be read any more |
| `audit` | the gate itself broke | read the log; clear the task |
| `verdict` alone | a load is in quarantine | read its `ops.verdict`; approve or reject it: `release` |

**May be ignored:** `publish` skipped (nothing passed for that property), `close_night` skipped (another source is still
at work, or tells of the night). **Clearing is safe:** archived answers are not asked for again, equal content ends
`unchanged`.
""",
    "warehouse": """
### The build after a night

Starts when a night has closed. It claims the property-days published since the last finished build and runs
`dbt build` on exactly these. A failed build's claim goes to the next one, so nothing is lost by waiting. `report` then
writes each property's report of what links did into `reports` of the state folder.

**What a red run means.** `build`: a model or a test failed; the log names it, `ops.dbt_node_result` keeps every node's
result. Mend it and clear the task. `report`: the models are built, yesterday's report stands. `verdict` alone: what was
published of a property cannot be modelled. It is set aside: the others are built, and its days wait, are tried alone by
every build, and are in none of its marts until then. `verdict`, `seo-warehouse status` and its report say why. Mend the
models, or publish the days without the row that ends them (`reject` or replay its load); the next build takes it back.
**May be ignored:** a build with nothing to claim, which is skipped, and the report with it. The morning's message goes
out by `report`, by `verdict` where no report follows.
""",
    "maintenance": """
### What the clock asks for

`maintenance` closes, every hour, the oldest night whose deadline (23:00 UTC) has passed and names the sources that had
not ended (`ops.night.missing_sources`); `warehouse` runs for it. Skipped: nothing was overdue. It also carries out
decisions about quarantined loads that were cut before they were done, has people asked about those of which nobody was
(`ask`), ends requests about which there is nothing to decide any more (`end_request`), runs a source's night anew
that a budget had kept from buying something that fits by now (`read_deferred`), and sends the alerts that nobody
has taken yet (`alert`, never red by a channel that is down: `ops.alert_sent` and the log say what it answered).
`maintenance__guests` ends, every ten minutes, the sessions of analysts that are over their limits or that somebody
waits for (`ops.ended_session`).
`maintenance__daily` makes next month's partitions, gives up what `retention` no longer keeps, vacuums, warns of
tables that are older than their sources allow (log of `check_freshness`, `seo-warehouse status`) and writes dbt's
documentation.

**What a red run means.** `check_clock`: more than one night was overdue. The machine was off for days, and nothing is
to be done; or the clock is ahead: set it right. Else usually no connection to PostgreSQL. The next run catches up;
clear it if it is the last one of the day. A source that is missing night after night is paused or broken: look at its
`ingest__` DAG.
""",
    "onboarding": """
### A property's history

Start it by hand (Trigger, with the property and, where it is not its `history_start`, the first day). Every dated
source is asked for each day that it still keeps and `raw` lacks, a load a month, and each month is published at once;
the task's log says how far it is. Nights run meanwhile: they leave these days to it, and the last days to themselves.
One run at a time, in one worker slot, so that the nights have the others. The next build models what was published.

**What a red run means.** A month could not be read, or is in quarantine: the log names it. The others are published.
**Clearing is safe,** and so is a run that was killed: it goes on with the months that are missing, and asks for nothing
that the archive holds.
""",
    "decide": """
### A person is asked about a held load

One run for each held load (its partition key is the load), begun by `ask` of `warehouse` or of `maintenance`.
**describe** writes what there is to see; **request** waits for an answer under *Required Actions*, for 14 days, and
holds no worker slot meanwhile; **carry_out** does what was answered. Who, when and why stay in `ops.quality_decision`,
as when `seo-warehouse release` decides. *read again* asks the provider once more, for the load's own days. Without an
answer, or by *leave it*, the load stays as it is, and `seo-warehouse release` decides at any time.

**What a red run means.** The answer could not be carried out: *why* was empty, what was to be read again cannot be had
(a file, a snapshot whose night is over, an order that is paid for), or somebody had decided before. The log of
`carry_out` says which. If the load still waits, somebody is asked again within the hour, in another run.
**May be ignored:** a run that is skipped. A later reading passed, or somebody decided elsewhere, so that `maintenance`
ended the request.
""",
    "release": """
### A decision about a quarantined load

Start it by hand (Trigger, with the load's id, the decision and the reason): who, when and why stay in
`ops.quality_decision`. **approve** publishes every row that the raw table can hold, whatever other rule it breaks; the
next build models it. **reject** drops its rows. Where a later reading of its days is published, that one stays.

**What a red run means.** There was nothing to decide (no such load, or it is not in quarantine), or somebody decided
otherwise before: the log says so. While a build holds the warehouse the task waits, and is retried. A decision that was
cut before it was carried out is carried out by `maintenance` within the hour; clearing the task does the same.
""",
}
