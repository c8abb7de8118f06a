-- What people are asked in Airflow about held loads.

create table ops.decision_request (
    load_id bigint primary key references ops.load,
    asked_at timestamptz not null default now(),
    run_id text,
    ended_at timestamptz,
    answer text
);
comment on table ops.decision_request is 'The request to a person about each held load, as Airflow shows it.';
comment on column ops.decision_request.run_id is 'The run of Airflow''s DAG decide that asks; NULL until it has begun.';
comment on column ops.decision_request.answer is 'What was answered and by whom, or why nobody is asked any more. NULL though it has ended: the answer could not be carried out, and somebody is asked again.';
