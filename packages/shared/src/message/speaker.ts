/**
 * Characters of a speaker's name at most: a longer text is metadata like any other. `message_words` in the database has
 * the same rule for what it indexes, and a test compares them.
 */
export const maxSpeakerCharacters = 256;
