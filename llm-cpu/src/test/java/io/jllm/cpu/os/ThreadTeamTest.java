package io.jllm.cpu.os;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jllm.spi.Uncaught;
import java.util.ArrayList;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.Isolated;

@Isolated("hears what threads leave uncaught")
class ThreadTeamTest {
    private static Set<Thread> alive(String name) {
        return Thread.getAllStackTraces().keySet().stream().filter(t -> t.getName().startsWith(name + "-")).collect(Collectors.toSet());
    }

    @Test
    void runsEveryIterationOnce() {
        for (int size : new int[] {1, 2, 3, 7}) {
            try (var team = new ThreadTeam(size, "once")) {
                assertEquals(size, team.size());
                for (int count : new int[] {0, 1, 2, 5, 1000}) {
                    var runs = new AtomicIntegerArray(count);
                    team.run(count, (i, member) -> {
                        assertTrue(member >= 0 && member < size);
                        runs.incrementAndGet(i);
                    });
                    for (int i = 0; i < count; i++) {
                        assertEquals(1, runs.get(i));
                    }
                }
            }
        }
    }

    /** As is: who loses a core holds others up for no longer than an iteration takes, but correct it must be. */
    @Test
    void moreMembersThanProcessorsBesideBusyNeighbours() throws InterruptedException {
        int processors = Runtime.getRuntime().availableProcessors();
        var stop = new AtomicBoolean();
        var neighbours = new ArrayList<Thread>();
        for (int i = 0; i < processors; i++) {
            neighbours.add(Thread.ofPlatform().daemon().start(() -> {
                while (!stop.get()) {
                    Thread.onSpinWait();
                }
            }));
        }
        try (var team = new ThreadTeam(2 * processors + 1, "crowd")) {
            for (int round = 0; round < 100; round++) {
                var sums = new long[1 + round % 40];
                team.run(sums.length, (i, _) -> sums[i] += i + 1);
                team.run(sums.length, (i, _) -> sums[i] *= 3);
                for (int i = 0; i < sums.length; i++) {
                    assertEquals(3 * (i + 1), sums[i]);
                }
            }
        } finally {
            stop.set(true);
        }
        for (Thread n : neighbours) {
            n.join();
        }
    }

    @Test
    void aMemberBeginsWithItsOwnShareAndThenHelpsOthers() {
        try (var team = new ThreadTeam(3, "shares")) {
            var together = new CountDownLatch(3);
            var first = new AtomicIntegerArray(3);
            var runs = new AtomicIntegerArray(30);
            team.run(30, (i, member) -> {
                runs.incrementAndGet(i);
                if (i % 10 == 0) {
                    first.set(member, i);
                    together.countDown();
                    await(together); // so that each takes one
                }
                if (member == 2) {
                    awaitOthers(runs, 20); // who then have the rest of its share to themselves
                }
            });
            assertEquals("[0, 10, 20]", first.toString());
            assertFalse(runs.toString().contains("0") || runs.toString().contains("2"), runs.toString());
        }
    }

    private static void awaitOthers(AtomicIntegerArray runs, int mine) {
        while (IntStream.range(0, runs.length()).anyMatch(i -> i != mine && runs.get(i) == 0)) {
            Thread.onSpinWait();
        }
    }

    @Test
    void whatMembersWroteIsSeenAndManySmallLoopsFollowEachOther() {
        try (var team = new ThreadTeam(3, "small")) {
            var sums = new long[5];
            for (int round = 0; round < 18_000; round++) {
                int n = round % 6;
                team.run(n, (i, _) -> sums[i]++);
            }
            for (int i = 0; i < 5; i++) {
                assertEquals(3_000 * (5 - i), sums[i]);
            }
        }
    }

    @Test
    void allMembersTakePart() throws InterruptedException {
        try (var team = new ThreadTeam(4, "all")) {
            Thread.sleep(5); // long enough for members to park
            var together = new CountDownLatch(4);
            Set<Integer> members = ConcurrentHashMap.newKeySet();
            team.run(4, (_, member) -> {
                members.add(member);
                together.countDown();
                await(together);
            });
            assertEquals(Set.of(0, 1, 2, 3), members);
        }
    }

    @Test
    void anExceptionOfAnyMemberReachesTheCallerAndTheTeamGoesOn() {
        try (var team = new ThreadTeam(3, "fail")) {
            for (int who = 0; who < 3; who++) {
                int thrower = who;
                var together = new CountDownLatch(3);
                var thrown = new IllegalArgumentException("member " + who);
                assertSame(thrown, assertThrows(IllegalArgumentException.class, () -> team.run(3, (_, member) -> {
                    together.countDown();
                    await(together);
                    if (member == thrower) {
                        throw thrown;
                    }
                })));
                var error = new AssertionError("an error");
                assertSame(error, assertThrows(AssertionError.class, () -> team.run(9, (_, _) -> {
                    throw error;
                })));
                var runs = new AtomicIntegerArray(10);
                team.run(10, (i, _) -> runs.incrementAndGet(i));
                assertEquals("[1, 1, 1, 1, 1, 1, 1, 1, 1, 1]", runs.toString());
            }
        }
    }

    /** What a thread fails with before it does anything is for whoever runs a loop next, and it takes part in loops all the same. */
    @Test
    void aThreadThatFailsToBeginTellsTheCallerAlone() {
        var error = new LinkageError("cannot be tied");
        try (var _ = new Uncaught(); var team = new ThreadTeam(3, "begin", member -> {
            if (member == 2) {
                throw error;
            }
        })) {
            Throwable told = null;
            while (told == null) {
                try {
                    team.run(3, (_, _) -> { });
                } catch (LinkageError e) {
                    told = e;
                }
            }
            assertSame(error, told);
            var together = new CountDownLatch(3);
            team.run(3, (_, _) -> {
                together.countDown();
                await(together);
            });
        }
    }

    @Test
    void severalFailuresAtOnceAreOne() {
        try (var _ = new Uncaught(); var team = new ThreadTeam(3, "several")) {
            for (int round = 0; round < 100; round++) {
                var together = new CountDownLatch(3);
                var thrown = assertThrows(OutOfMemoryError.class, () -> team.run(3, (_, _) -> {
                    together.countDown();
                    await(together);
                    throw new OutOfMemoryError("pretended");
                }));
                assertTrue(thrown.getSuppressed().length <= 2);
            }
        }
    }

    @Test
    void closingTwiceLeavesNoThread() throws InterruptedException {
        var team = new ThreadTeam(4, "closing");
        assertEquals(3, alive("closing").size());
        assertTrue(alive("closing").stream().allMatch(Thread::isDaemon));
        team.run(4, (_, _) -> { });
        Thread.sleep(5);
        team.close();
        team.close();
        assertEquals(Set.of(), alive("closing"));
        assertThrows(IllegalStateException.class, () -> team.run(1, (_, _) -> { }));
        new ThreadTeam(2, "unused").close();
        assertEquals(Set.of(), alive("unused"));
    }

    @Test
    void anIdleTeamSleeps() throws InterruptedException {
        try (var team = new ThreadTeam(2, "idle")) {
            team.run(2, (_, _) -> { });
            Thread worker = alive("idle").iterator().next();
            while (worker.getState() != Thread.State.WAITING) {
                Thread.sleep(1);
            }
        }
    }

    @Test
    void anInterruptedCallerFinishesItsLoopAndStaysInterrupted() {
        try (var team = new ThreadTeam(2, "interrupted")) {
            Thread.currentThread().interrupt();
            var runs = new AtomicIntegerArray(50);
            team.run(50, (i, _) -> runs.incrementAndGet(i));
            assertFalse(runs.toString().contains("0"), runs.toString());
        }
        assertTrue(Thread.interrupted());
        assertEquals(Set.of(), alive("interrupted"));
    }

    private static void await(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }
}
