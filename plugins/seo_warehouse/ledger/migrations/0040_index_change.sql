-- Why a link event is not compared: its vendor's index grew, or its date is not known.

alter table ops.modelled_event add column is_index_change boolean;
