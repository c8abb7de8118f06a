-- What one more attempt at each partner is worth, and how long links take and stand; read by dbt as source `ops`.

create table ops.partner_estimate (
    property_key integer not null,
    partner_key bigint not null,
    placed_share double precision not null,
    placed_share_low double precision not null,
    placed_share_high double precision not null,
    yearly_loss_share double precision not null,
    yearly_loss_share_low double precision not null,
    yearly_loss_share_high double precision not null,
    days_per_1000 double precision,
    days_per_1000_low double precision,
    days_per_1000_high double precision,
    days_per_1000_careful double precision,
    own_weight double precision not null,
    faster_loss_chance double precision not null,
    latest_reply_days double precision,
    earlier_reply_days double precision,
    slower_p_value double precision,
    primary key (property_key, partner_key)
);
comment on table ops.partner_estimate is 'Partners and what one more attempt at each is worth, as after the newest build.';

create table ops.outreach_curve (
    property_key integer not null,
    curve text not null,
    kind text not null check (octet_length(kind) <= 500),
    age_days integer not null,
    share double precision,
    interval_low double precision,
    interval_high double precision,
    other_share double precision,
    at_risk_count double precision,
    begun_count integer not null,
    event_count integer not null,
    status text not null,
    reason text,
    primary key (property_key, curve, kind, age_days)
);
comment on table ops.outreach_curve is 'How soon links come and how long they stand, by kind, as after the newest build.';
