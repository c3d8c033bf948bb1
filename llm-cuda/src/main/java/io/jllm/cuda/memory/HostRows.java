package io.jllm.cuda.memory;

import io.jllm.cuda.driver.DeviceMemory;
import io.jllm.cuda.driver.Stream;
import io.jllm.model.Value;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Optional;

/** Rows of a value of the last step on the host, brought there when they are asked for. */
public final class HostRows implements AutoCloseable {
    private final Stream stream;
    private final DeviceMemory values;
    private final Activations activations;
    private Arena arena = Arena.ofShared();
    private MemorySegment data = MemorySegment.NULL;
    private Optional<Value> current = Optional.empty();

    /** @param values what the activations are in */
    public HostRows(Stream stream, DeviceMemory values, Activations activations) {
        this.stream = stream;
        this.values = values;
        this.activations = activations;
    }

    /** Another step has begun. */
    public void forget() {
        current = Optional.empty();
    }

    /** The first rows of a value, one after the other; valid until the next call. Waits for the device. */
    public MemorySegment rows(Value v, int count) {
        if (current.filter(v::equals).isEmpty()) {
            long width = (long) v.width() * Float.BYTES;
            long need = Math.max(count, 1) * width;
            if (data.byteSize() < need) {
                arena.close();
                arena = Arena.ofShared();
                data = arena.allocate(need, 64);
            }
            stream.synchronize();
            long from = activations.floats(v) - values.address();
            long pitch = (long) Activations.pitch(v) * Float.BYTES;
            if (pitch == width) {
                values.read(from, data.asSlice(0, need));
            } else {
                for (int r = 0; r < count; r++) {
                    values.read(from + r * pitch, data.asSlice(r * width, width));
                }
            }
            current = Optional.of(v);
        }
        return data;
    }

    @Override
    public void close() {
        arena.close();
    }
}
