-- Keys of what is known of answers' shapes are bounded: an index holds no longer ones.

delete from ops.shape where octet_length(endpoint) > 300 or octet_length(path) > 1000;
alter table ops.shape
    add constraint shape_endpoint check (octet_length(endpoint) <= 300),
    add constraint shape_path check (octet_length(path) <= 1000);
