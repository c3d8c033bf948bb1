package io.jllm.hub;

import java.time.Duration;
import java.util.Optional;

/**
 * How far a download is.
 *
 * @param file that is fetched now, as its repository names it
 * @param filesDone files that are complete
 * @param files all of them
 * @param bytesDone bytes that are there, those of earlier calls included
 * @param bytes of all files
 * @param bytesPerSecond over this call; 0 until something came
 */
public record Progress(String file, int filesDone, int files, long bytesDone, long bytes, double bytesPerSecond) {
    /** Time left at this rate; empty until something came. */
    public Optional<Duration> left() {
        return bytesPerSecond <= 0 ? Optional.empty() : Optional.of(Duration.ofMillis((long) (1e3 * (bytes - bytesDone) / bytesPerSecond)));
    }
}
