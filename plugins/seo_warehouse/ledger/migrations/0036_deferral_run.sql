-- What a deferred reading would have cost, and which run of Airflow's it was in, so that it goes on once it fits.

alter table ops.deferral add column money numeric;
alter table ops.deferral add column run_id text;
comment on column ops.deferral.money is 'US dollars that it wanted to set aside; NULL for those of older releases.';
comment on column ops.deferral.run_id is 'The run of the source''s night, once it has ended; NULL again when it is run anew.';
