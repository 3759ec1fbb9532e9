// Rows of whistles: the open ones by the time the units are to be there, all of them by when they were blown.
function whistles(doc) {
  if (doc.type !== 'whistle') return;
  if (doc.state === 'open') emit(['open', doc.by_at], null);
  emit(['all', doc.blown_at], null);
}
