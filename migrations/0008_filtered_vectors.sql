-- What a search under a filter reads when it reads exactly: the vectors that match, and no others. Written with the
-- vector, long after its message was answered for, and small: equal keys share an entry.
create index embedding_conversation_idx on embedding (tenant_id, generation, conversation_id);
create index embedding_role_idx on embedding (tenant_id, generation, role);
create index embedding_created_at_idx on embedding (tenant_id, generation, created_at);
create index embedding_importance_idx on embedding (tenant_id, generation, importance);
