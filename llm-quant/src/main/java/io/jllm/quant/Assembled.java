package io.jllm.quant;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Optional;

/**
 * Weights whose rows stand in several places, or in another form than is wanted, without a copy: the experts of a layer that a checkpoint
 * holds one by one, rows of q, k and v that it mixes, or matrices that it holds with inputs as rows.
 */
public final class Assembled implements Weights {
    private final String name;
    private final List<Part> parts;
    /** The first row of each part, and the end. */
    private final long[] starts;

    /**
     * Of some parts.
     *
     * @param name the name under which it is found
     * @param parts in order of rows; at least one, all of one type and as many columns
     * @throws IllegalArgumentException if they do not fit each other
     */
    public Assembled(String name, List<? extends Part> parts) {
        this.name = name;
        this.parts = List.copyOf(parts);
        if (parts.isEmpty()) {
            throw new IllegalArgumentException("no parts for " + name);
        }
        starts = new long[parts.size() + 1];
        Part first = parts.getFirst();
        for (int i = 0; i < parts.size(); i++) {
            Part p = parts.get(i);
            if (p.type() != first.type() || p.cols() != first.cols()) {
                throw new IllegalArgumentException("parts of " + name + " must be alike: the first is " + first.type() + " with " + first.cols()
                        + " columns, number " + (i + 1) + " is " + p.type() + " with " + p.cols());
            }
            starts[i + 1] = starts[i] + p.rows();
        }
    }

    /** The parts, in order of rows. */
    public List<Part> parts() {
        return parts;
    }

    /** Storage type of all parts. */
    public DType type() {
        return parts.getFirst().type();
    }

    @Override
    public String name() {
        return name;
    }

    @Override
    public long rows() {
        return starts[parts.size()];
    }

    @Override
    public long cols() {
        return parts.getFirst().cols();
    }

    @Override
    public Optional<DType> stored() {
        return Optional.of(type());
    }

    @Override
    public String format() {
        return type().name();
    }

    @Override
    public long bytes() {
        return rows() * rowBytes();
    }

    @Override
    public long rowBytes() {
        return type().bytes(cols());
    }

    @Override
    public void decode(long row, int count, float[] to, int at) {
        Objects.checkFromIndexSize(row, count, rows());
        Objects.checkFromIndexSize(at, Math.multiplyExact(count, Math.toIntExact(cols())), to.length);
        for (long done = 0; done < count;) {
            int part = part(row + done);
            long inPart = row + done - starts[part];
            int n = (int) Math.min(count - done, parts.get(part).rows() - inPart);
            decode(parts.get(part), inPart, n, to, Math.toIntExact(at + done * cols()));
            done += n;
        }
    }

    private void decode(Part part, long row, int count, float[] to, int at) {
        if (part instanceof Tensor t) {
            t.decode(row, count, to, at);
            return;
        }
        var rows = MemorySegment.ofArray(new byte[Math.toIntExact(count * rowBytes())]);
        part.read(row, count, rows);
        new Tensor(name, type(), count, cols(), rows).decode(0, count, to, at);
    }

    @Override
    public void read(long row, long count, MemorySegment to) {
        Objects.checkFromIndexSize(row, count, rows());
        for (long done = 0; done < count;) {
            int part = part(row + done);
            long inPart = row + done - starts[part];
            long n = Math.min(count - done, parts.get(part).rows() - inPart);
            parts.get(part).read(inPart, n, to.asSlice(done * rowBytes(), n * rowBytes()));
            done += n;
        }
    }

    /** {@inheritDoc} Rows of one part are. */
    @Override
    public Optional<MemorySegment> slice(long row, long count) {
        Objects.checkFromIndexSize(row, count, rows());
        if (count == 0) {
            return Optional.of(MemorySegment.NULL);
        }
        int part = part(row);
        return row + count <= starts[part + 1] ? parts.get(part).slice(row - starts[part], count) : Optional.empty();
    }

    /** Which part has a row; parts without rows have none. */
    private int part(long row) {
        int at = Arrays.binarySearch(starts, row);
        int part = at >= 0 ? at : -at - 2;
        while (starts[part + 1] <= row) {
            part++;
        }
        return part;
    }

    @Override
    public List<MemorySegment> sources() {
        return parts.stream().flatMap(p -> p.sources().stream()).toList();
    }

    @Override
    public Assembled named(String newName) {
        return new Assembled(newName, parts);
    }

    /** The same in one piece of memory, a copy that lives as long as it is used. */
    public Tensor copied() {
        MemorySegment data = Arena.ofAuto().allocate(Math.max(1, bytes()), Long.BYTES).asSlice(0, bytes());
        read(0, rows(), data);
        return new Tensor(name, type(), rows(), cols(), data);
    }
}
