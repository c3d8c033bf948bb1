// What the image of a file tells Java, which reads it when the image is loaded.
#pragma once
#include <stddef.h>

/** Threads a block and sizes of tiles of a kernel or family: the constant NAME_shape. */
#define EXPORT_SHAPE(NAME, ...) extern "C" __constant__ const int NAME##_shape[] = {__VA_ARGS__};

/**
 * Where the members of a struct that Java writes or reads stand: NAME_layout has the bytes of the struct, then the offset and the bytes of each
 * member; NAME_members the names of all, in the same order. MEMBERS(M, S) is a list of M(S, member).
 */
#define EXPORT_LAYOUT(NAME, S, MEMBERS)                                                                  \
  extern "C" __constant__ const int NAME##_layout[] = {(int)sizeof(S) MEMBERS(LAYOUT_OF_MEMBER, S)};     \
  extern "C" __constant__ const char NAME##_members[] = #S MEMBERS(NAME_OF_MEMBER, S);
#define LAYOUT_OF_MEMBER(S, MEMBER) , (int)offsetof(S, MEMBER), (int)sizeof(((S*)0)->MEMBER)
#define NAME_OF_MEMBER(S, MEMBER) " " #MEMBER
