-- How many rows a build wrote of each model.

alter table ops.dbt_node_result add column row_count bigint;
comment on column ops.dbt_node_result.row_count is 'Rows that the node wrote, as PostgreSQL counts them; NULL where it wrote none or does not tell, as a view.';
