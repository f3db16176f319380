-- The time that what deletes goes by: it follows the clock, however wrong that is, by a day in an hour at most.

CREATE TABLE pruner (
    id            BIGINT NOT NULL PRIMARY KEY CHECK (id = 1),
    at            BIGINT NOT NULL
);
