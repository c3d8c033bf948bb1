package io.jllm.quant.pytorch;

import io.jllm.quant.FormatException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * The entries of a zip archive as torch.save writes it: stored, not compressed, so that each is a piece of the file. Source: APPNOTE.TXT of
 * PKWARE, sections 4.3 and 4.5, zip64 included.
 */
final class TorchArchive {
    private static final ValueLayout.OfShort SHORT = ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private static final int END = 0x06054b50;
    private static final int END_BYTES = 22;
    private static final int LOCATOR64 = 0x07064b50;
    private static final int LOCATOR64_BYTES = 20;
    private static final int END64 = 0x06064b50;
    private static final int END64_BYTES = 56;
    private static final int CENTRAL = 0x02014b50;
    private static final int CENTRAL_BYTES = 46;
    private static final int LOCAL = 0x04034b50;
    private static final int LOCAL_BYTES = 30;
    private static final int ZIP64 = 1;
    private static final int ENCRYPTED = 1;
    private static final long UNSAID = 0xffff_ffffL;
    /** There is one for each storage. */
    private static final long MAX_ENTRIES = 1 << 20;
    private static final int MAX_NAME = 4096;

    private final MemorySegment bytes;
    private final String file;
    private final Map<String, MemorySegment> entries = new LinkedHashMap<>();
    private final List<Placed> placed = new ArrayList<>();

    /** An entry with its header. */
    private record Placed(String name, long from, long to) {
    }

    /** The end of the archive: how many entries there are, and where their directory is. */
    private record Directory(long entries, long offset, long bytes) {
    }

    /** The entries of a file. */
    TorchArchive(MemorySegment bytes, String file) {
        this.bytes = bytes;
        this.file = file;
        long end = end();
        Directory directory = directory(end);
        if (directory.entries < 0 || directory.entries > MAX_ENTRIES || directory.offset < 0 || directory.bytes < 0
                || directory.offset > end || directory.bytes > end - directory.offset || directory.entries > directory.bytes / CENTRAL_BYTES) {
            throw broken("the archive", "claims a directory of " + Long.toUnsignedString(directory.entries) + " entries and "
                    + Long.toUnsignedString(directory.bytes) + " bytes at " + Long.toUnsignedString(directory.offset) + " of a file of "
                    + bytes.byteSize() + "; the limit is " + MAX_ENTRIES + " entries");
        }
        long at = directory.offset;
        for (long i = 0; i < directory.entries; i++) {
            at += entry(at, directory.offset + directory.bytes, directory.offset);
        }
        apart();
    }

    /** The data of an entry. */
    Optional<MemorySegment> find(String name) {
        return Optional.ofNullable(entries.get(name));
    }

    /** The names of all entries. */
    List<String> names() {
        return List.copyOf(entries.keySet());
    }

    private FormatException broken(String place, String problem) {
        return new FormatException(file, place, problem);
    }

    /** Where the last record is: at the end, but for a comment. */
    private long end() {
        long last = bytes.byteSize() - END_BYTES;
        for (long at = last; at >= Math.max(0, last - 0xffff); at--) {
            if (bytes.get(INT, at) == END && at + END_BYTES + uint16(at + 20) == bytes.byteSize()) {
                return at;
            }
        }
        throw broken("the file", "is no zip archive, as torch.save writes it, or is cut short: it has " + bytes.byteSize()
                + " bytes, and no directory at its end");
    }

    private Directory directory(long end) {
        long locator = end - LOCATOR64_BYTES;
        if (locator >= 0 && bytes.get(INT, locator) == LOCATOR64) {
            long at = bytes.get(LONG, locator + 8);
            if (at < 0 || at > locator - END64_BYTES || bytes.get(INT, at) != END64) {
                throw broken("the archive", "has no directory at " + Long.toUnsignedString(at) + ", where it says that it is");
            }
            return new Directory(bytes.get(LONG, at + 32), bytes.get(LONG, at + 48), bytes.get(LONG, at + 40));
        }
        return new Directory(uint16(end + 10), uint32(end + 16), uint32(end + 12));
    }

    private int uint16(long at) {
        return bytes.get(SHORT, at) & 0xffff;
    }

    private long uint32(long at) {
        return Integer.toUnsignedLong(bytes.get(INT, at));
    }

    /** Adds an entry; returns how many bytes of the directory it takes. */
    private long entry(long at, long end, long dataEnd) {
        if (end - at < CENTRAL_BYTES || bytes.get(INT, at) != CENTRAL) {
            throw broken("the archive", "has no directory entry at " + at);
        }
        int nameBytes = uint16(at + 28);
        long size = CENTRAL_BYTES + nameBytes + uint16(at + 30) + uint16(at + 32);
        if (nameBytes > MAX_NAME || size > end - at) {
            throw broken("the archive", "has an entry at " + at + " whose name has " + nameBytes + " bytes; the limit is " + MAX_NAME
                    + ", and the directory has " + (end - at) + " left");
        }
        String name = new String(bytes.asSlice(at + CENTRAL_BYTES, nameBytes).toArray(ValueLayout.JAVA_BYTE), StandardCharsets.UTF_8);
        String place = "entry " + name;
        if ((uint16(at + 8) & ENCRYPTED) != 0 || uint16(at + 10) != 0) {
            throw broken(place, (uint16(at + 8) & ENCRYPTED) != 0 ? "is encrypted" : "is compressed (method " + uint16(at + 10)
                    + "); torch.save stores entries as they are: unpack the archive and pack it without compression (zip -0)");
        }
        long[] wide = {uint32(at + 24), uint32(at + 20), uint32(at + 42)};
        widen(wide, at + CENTRAL_BYTES + nameBytes, uint16(at + 30), place);
        long from = start(wide[2], place, dataEnd);
        if (wide[0] != wide[1] || wide[0] < 0 || wide[0] > dataEnd - from) {
            throw broken(place, "claims " + Long.toUnsignedString(wide[0]) + " bytes, " + Long.toUnsignedString(wide[1]) + " stored, at " + from
                    + "; the directory begins at " + dataEnd + ": the file is cut short or its directory is wrong");
        }
        if (entries.putIfAbsent(name, bytes.asSlice(from, wide[0])) != null) {
            throw broken(place, "appears twice");
        }
        placed.add(new Placed(name, wide[2], from + wide[0]));
        return size;
    }

    /** Takes what does not fit 32 bits, in this order, from the field that zip64 has for it. */
    private void widen(long[] numbers, long extra, int extraBytes, String place) {
        long at = extra;
        long end = extra + extraBytes;
        while (end - at >= 4 && uint16(at) != ZIP64) {
            at += 4 + uint16(at + 2);
        }
        at += 4;
        for (int i = 0; i < numbers.length; i++) {
            if (numbers[i] == UNSAID) {
                if (end - at < 8) {
                    throw broken(place, "has sizes of more than 32 bits, and no field that holds them");
                }
                numbers[i] = bytes.get(LONG, at);
                at += 8;
            }
        }
    }

    /** Where the data of an entry begins, behind its header. */
    private long start(long header, String place, long dataEnd) {
        if (header < 0 || header > dataEnd - LOCAL_BYTES || bytes.get(INT, header) != LOCAL) {
            throw broken(place, "has no header at " + Long.toUnsignedString(header) + ", where the directory has it");
        }
        long from = header + LOCAL_BYTES + uint16(header + 26) + uint16(header + 28);
        if (from > dataEnd) {
            throw broken(place, "has a header that ends at " + from + ", behind the data, which ends at " + dataEnd);
        }
        return from;
    }

    private void apart() {
        placed.sort(Comparator.comparingLong(Placed::from));
        for (int i = 1; i < placed.size(); i++) {
            Placed before = placed.get(i - 1);
            if (placed.get(i).from() < before.to()) {
                throw broken("entry " + placed.get(i).name(), "begins at " + placed.get(i).from() + ", inside " + before.name()
                        + ", which ends at " + before.to());
            }
        }
    }
}
