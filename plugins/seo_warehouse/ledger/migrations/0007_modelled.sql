-- What the last finished build made the marts from, so that the next one sees what changed. It was kept in models of dbt,
-- which are dropped here. The tables begin empty: the first build after this is a full one anyway, since the models have
-- changed, and fills them as it closes.

create table ops.modelled_event (
    property_key integer not null,
    event_key bigint not null,
    event_date date,
    page_key bigint,
    topic text,
    arm text,
    is_event boolean,
    is_uncertain_date boolean,
    is_history_short boolean
);
comment on table ops.modelled_event is 'Link events (int_link__judge_events) as the last finished build compared them.';

create table ops.modelled_change (
    property_key integer not null,
    page_key bigint,
    topic text,
    linking_key bigint,
    rel_class text,
    direction text,
    change_date date,
    from_date date,
    to_date date
);
comment on table ops.modelled_change is 'Changes of pages'' links (int_link__place_changes) that it compared them by.';

create table ops.modelled_level (
    property_key integer not null,
    event_key bigint not null,
    authority_level text,
    first_from_domain_level text,
    relevance_level text,
    anchor_type_level text
);
comment on table ops.modelled_level is 'Levels of link events (int_effect__describe_events) that it compared them within.';

create table ops.modelled_page_version (
    property_key integer not null,
    url_key bigint not null,
    page_key bigint,
    valid_from_date date,
    valid_to_date date
);
comment on table ops.modelled_page_version is 'Where URLs led (int_page__version_pages) as it placed facts.';

create table ops.modelled_update (
    google_update_key bigint not null,
    begins_on date,
    ends_on date
);
comment on table ops.modelled_update is 'Updates of Google''s ranking (int_effect__list_updates) that it flagged windows with.';

create table ops.modelled_horizon (
    property_key integer not null,
    kind text not null,
    last_day date
);
comment on table ops.modelled_horizon is 'Until when each kind was known (int_effect__list_horizons), as of the last finished build.';

create table ops.modelled_series (
    property_key integer not null,
    series_key bigint not null,
    first_day date
);
comment on table ops.modelled_series is 'Since when each series was checked (int_link__date_series), as of the last finished build.';

drop table if exists
    intermediate.int_link__keep_events, intermediate.int_link__keep_changes, intermediate.int_link__keep_updates,
    intermediate.int_effect__keep_levels, intermediate.int_page__keep_versions;
