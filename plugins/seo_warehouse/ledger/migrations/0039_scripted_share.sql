-- Beside what nobody saw: what our visits cannot see. Rows are written whole after each build.

alter table ops.witness_bound add column unseen_js_share double precision;
