import { inspectorOf } from '../byte-feed.ts';
import { refuse } from '../refusal.ts';
import { readMovie } from './iso-movie.ts';

/** Judges MP4 videos: boxes that tile the file, with a movie, its media and a video track. */
export const mp4Inspector = inspectorOf({
  read: (feed) => readMovie(feed),
  incomplete: () =>
    refuse('mp4.incomplete', 'file_type_mismatch', 'The file is not a complete MP4 video.', {
      detected: 'video/mp4',
    }),
});
