DROP TABLE IF EXISTS webhook_queue;
DROP TABLE IF EXISTS webhook_logs;
