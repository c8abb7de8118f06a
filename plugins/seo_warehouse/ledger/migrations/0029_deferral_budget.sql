-- Which budget kept a reading from being bought, so that it alone is said to be used up.

alter table ops.deferral add column budget_name text not null default '';
alter table ops.deferral add column budget_property_key integer not null default 0;
comment on column ops.deferral.budget_name is 'The budget that did not hold it (ops.budget.name), with budget_property_key.';
