-- Visitors who come through links: when each link lived, as the last finished build laid visits to them.

create table ops.modelled_life (
    property_key integer not null,
    link_key bigint not null,
    source_page_key bigint,
    source_host_key bigint,
    target_url_key bigint,
    referrer_policy text,
    live_days datemultirange
);
comment on table ops.modelled_life is 'When links lived (int_referral__list_lives), as the last finished build laid visits to them.';
