// Words that a household is found by, its own and its members' (server/domain/home_rows.py says which).
function words(doc) {
  if (doc.type !== 'home' && doc.type !== 'home_part') return;
  (doc.words || []).forEach(function (word) { emit(word, doc.household); });
}
