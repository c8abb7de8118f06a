-- Days that were modelled once may be taken out again, where changed models fail on them.

comment on column ops.build_day.is_hidden is 'The build, or a later one, made the day anew as if it were not published: it waits still.';
