"""What a ConversationActor does, as ordinary classes: record, converse, commit, keep leases."""
