#pragma once
// Every stretch of a text with the tokens that followed it and how often, in memory linear in the
// text: the suffix automaton. A state stands for all stretches that end at the same places; its
// link leads to the longest shorter one that ends elsewhere, too, so the longest stretch at the end
// of the text that stands earlier is one link away. The text grows and shrinks at its end.

#include <cstddef>
#include <cstdint>
#include <vector>

namespace avocado {

class SuffixAutomaton {
 public:
  SuffixAutomaton();

  // Amortized constant time, for texts whose ends do not repeat for long.
  void push(int32_t token);
  // Takes the last token away, as if it had never been; at most undoable() times.
  void pop();
  size_t undoable() const { return marks_.size(); }  // at least the last kUndoable tokens
  static constexpr size_t kUndoable = 32;

  size_t size() const { return size_; }
  // Length of the longest stretch at the end of the text that also ends at an earlier place.
  size_t matched() const;
  // The token that followed that stretch most often, the latest of equals; then the one that
  // followed the stretch with it, and so on, `most` at most. Ends before negative tokens, which
  // separate texts.
  std::vector<int32_t> continuation(size_t most) const;

 private:
  static constexpr uint32_t kNone = 0xffffffff;
  struct State {
    uint32_t length = 0;  // of its longest stretch
    uint32_t link = kNone;
    uint32_t edges = kNone;  // the latest; a list
    uint32_t best = kNone;   // the edge that was taken most often
  };
  struct Edge {
    uint32_t from;
    int32_t token;
    uint32_t to, count, next;
  };
  // What was, for pop().
  template <typename T>
  struct Before {
    uint32_t index;
    T value;
  };
  struct Mark {
    uint32_t last;
    size_t states, edges, old_states, old_edges;  // sizes
  };

  State& change_state(uint32_t index);
  Edge& change_edge(uint32_t index);
  void mark();
  uint32_t add_state(uint32_t length);
  void add_edge(uint32_t from, int32_t token, uint32_t to, uint32_t count);
  uint32_t split(uint32_t state, uint32_t length);
  void count(uint32_t state, int32_t token);
  size_t first_slot(uint32_t from, int32_t token) const;
  size_t slot(uint32_t from, int32_t token) const;
  uint32_t edge(uint32_t from, int32_t token) const { return table_[slot(from, token)]; }
  void grow_table();

  size_t size_ = 0;
  uint32_t last_ = 0;  // the state of the whole text
  std::vector<State> states_;
  std::vector<Edge> edges_;
  std::vector<uint32_t> table_;  // edges by (from, token), open addressing; a power of two
  std::vector<Before<State>> old_states_;
  std::vector<Before<Edge>> old_edges_;
  std::vector<Mark> marks_;  // before each of the last tokens
};

}  // namespace avocado
