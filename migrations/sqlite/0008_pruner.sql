-- The time that what deletes goes by: it follows the clock, however wrong that is, by a day in an hour at most.

CREATE TABLE pruner (
    id            INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    at            INTEGER NOT NULL
) STRICT;
