// What goes out to a channel and when it is due, by its state; what goes to phones apart, so that it holds up nothing else.
function deliveries(doc) {
  if (doc.type !== 'delivery' || doc.state === 'sent' || doc.state === 'dropped') return;
  emit([(doc.channel.indexOf('device:') === 0 ? 'phone ' : '') + doc.state, doc.due_at], null);
}
