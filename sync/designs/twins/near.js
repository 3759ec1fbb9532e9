// Where and when a case's problem was seen, coarsely: a cell of 0.0025 degrees (some 280 m by 220 m), or the grid; and the week.
function near(doc) {
  if (doc.type !== 'case') return;
  var seen = doc.corrected_at && doc.corrected_at < doc.received_at ? doc.corrected_at : doc.received_at;
  var week = Math.floor(Date.parse(seen) / 604800000);
  var value = [doc.state, doc.category, seen];
  var place = doc.place;
  if (place && typeof place.lat === 'number' && typeof place.lon === 'number') {
    emit(['cell', Math.floor(place.lat * 400), Math.floor(place.lon * 400), week], value);
  } else {
    emit(['unplaced', doc.grid, week], value);
  }
  // A case without a point is compared with every other one of its grid.
  emit(['grid', doc.grid, week], value);
}
