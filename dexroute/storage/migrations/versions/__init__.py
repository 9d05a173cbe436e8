"""One file a revision, numbered; `storage.schema.HEAD` names the newest."""
