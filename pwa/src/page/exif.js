/** What the camera wrote into a photo that a record needs: when and where it was taken. Everything else is left unread. */
import exifr from "exifr/dist/mini.esm.mjs";

/**
 * @param {Blob} file @returns {Promise<{taken_at: string | null, lat: number | null, lon: number | null}>}
 */
export async function readExif(file) {
  const found = await parse(file);
  const taken = found.DateTimeOriginal ?? found.CreateDate;
  const isTime = taken instanceof Date && !Number.isNaN(taken.getTime());
  const isPlace = Number.isFinite(found.latitude) && Number.isFinite(found.longitude);
  return {
    taken_at: isTime ? taken.toISOString() : null,
    lat: isPlace ? found.latitude : null,
    lon: isPlace ? found.longitude : null,
  };
}

async function parse(file) {
  try {
    return (await exifr.parse(file, { tiff: true, exif: true, gps: true })) ?? {};
  } catch {
    return {}; // a photo without readable notes is still a photo
  }
}
