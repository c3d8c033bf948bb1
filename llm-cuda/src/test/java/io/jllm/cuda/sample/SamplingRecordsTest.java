package io.jllm.cuda.sample;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jllm.cuda.kernels.SampleKernels;
import io.jllm.sampling.LogitBias;
import io.jllm.sampling.SamplerSettings;
import io.jllm.spi.RowSampling;
import io.jllm.spi.StepBatch;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.junit.jupiter.api.Test;

/** Records as the kernels read them: where a mask stands, and that it keeps a row from the kernel that only searches. */
class SamplingRecordsTest {
    private static final int VOCAB = 70;
    private static final long LISTS = 1000;

    private record Row(SamplerSettings settings, long[] allowed, int... tokens) implements RowSampling {
        @Override
        public int slot() {
            return 0;
        }

        @Override
        public int promptLength() {
            return 0;
        }

        @Override
        public int length() {
            return tokens.length;
        }
    }

    @Test
    void aMaskStandsBehindTheLists() {
        var bias = new LogitBias(new int[] {7, 9}, new float[] {1, -2}, new int[] {7, 9, 11});
        var row = new Row(new SamplerSettings(1, 0, 1, 0, 1, 0, 0, 1, bias), new long[] {0x8000_0001_0000_0002L, 0x30});
        assertEquals(2 + 2 + 3 + 4, SamplingRecords.listInts(row));
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment record = arena.allocate(SampleKernels.ROW.bytes(), 8);
            MemorySegment lists = arena.allocate(4L * SamplingRecords.listInts(row));
            SamplingRecords.write(record, 3, row, 0, LISTS);
            SamplingRecords.writeLists(lists, row);
            assertEquals(LISTS + 4 * 7, record.get(ValueLayout.JAVA_LONG, SampleKernels.ROW.at("mask")));
            assertEquals(2 | 8, record.get(ValueLayout.JAVA_INT, SampleKernels.ROW.at("flags")));
            var bits = new int[4]; // bit i of word w is that of token 32 w + i
            MemorySegment.copy(lists, ValueLayout.JAVA_INT, 4 * 7, bits, 0, 4);
            assertArrayEquals(new int[] {2, 0x8000_0001, 0x30, 0}, bits);
        }
    }

    @Test
    void greedyRowsUnderAMaskAreNoLongerOnlySearched() {
        assertEquals(SamplingRecords.GREEDY, SamplingRecords.flags(new Row(SamplerSettings.GREEDY, RowSampling.ALL)));
        assertEquals(SamplingRecords.GREEDY | 8, SamplingRecords.flags(new Row(SamplerSettings.GREEDY, new long[] {1, 0})));
    }

    @Test
    void masksOfAnotherVocabularyAreRefused() {
        SamplingRecords.check(new Row(SamplerSettings.GREEDY, new long[2]), VOCAB, _ -> false);
        SamplingRecords.check(new Row(SamplerSettings.GREEDY, RowSampling.ALL), VOCAB, _ -> false);
        for (int words : new int[] {1, 3}) {
            String message = assertThrows(IllegalArgumentException.class,
                    () -> SamplingRecords.check(new Row(SamplerSettings.GREEDY, new long[words]), VOCAB, _ -> false)).getMessage();
            assertTrue(message.contains(words + " words") && message.contains("70"), message);
        }
    }

    @Test
    void penaltiesCountTokensThatTheDrawingBeforeHas() {
        var penalised = new SamplerSettings(1, 0, 1, 0, 1.5f, 0, 0, 1, LogitBias.NONE);
        SamplingRecords.check(new Row(penalised, RowSampling.ALL, 3, 69, StepBatch.drawn(5)), VOCAB, row -> row == 5);
        for (int id : new int[] {StepBatch.drawn(5), VOCAB}) {
            var row = new Row(penalised, RowSampling.ALL, 3, id);
            assertThrows(IllegalArgumentException.class, () -> SamplingRecords.check(row, VOCAB, of -> of == 4));
        }
    }
}
