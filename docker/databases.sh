#!/bin/bash
# Run once, by PostgreSQL's image, when its volume is new: the owner of the warehouse, Airflow's role, a database for each.
set -euo pipefail

psql --no-psqlrc --quiet --set ON_ERROR_STOP=1 --username postgres --dbname postgres <<'SQL'
\getenv owner_password SEO_WAREHOUSE_OWNER_PASSWORD
\getenv airflow_password AIRFLOW_DATABASE_PASSWORD
select 'create database ' || name
from (values ('seo_warehouse'), ('seo_warehouse_airflow')) as wanted (name)
where not exists (select from pg_database where datname = name)
\gexec
-- Where Citus is, since it brings to the nodes only what is made in front of it.
\connect seo_warehouse
create role seo_owner login createrole password :'owner_password';
create role seo_warehouse_airflow login password :'airflow_password';
alter database seo_warehouse owner to seo_owner;
alter database seo_warehouse_airflow owner to seo_warehouse_airflow;
revoke connect on database seo_warehouse_airflow, postgres, template1 from public;
SQL
psql --no-psqlrc --quiet --set ON_ERROR_STOP=1 --username postgres --dbname seo_warehouse --file "${PUBLIC_SQL:-/srv/public.sql}"
